package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestLifecycleStopsInReverse(t *testing.T) {
	l := newLifecycle(slog.New(slog.DiscardHandler))
	var mu sync.Mutex
	var stopped []string
	for _, name := range []string{"first", "second", "third"} {
		l.start(t.Context(), name, func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			stopped = append(stopped, name)
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.wait(ctx); err != nil {
		t.Errorf("wait: %v", err)
	}
	if err := l.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if want := []string{"third", "second", "first"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped %v, want %v", stopped, want)
	}
}

func TestLifecycleOnePartFails(t *testing.T) {
	boom, late := errors.New("boom"), errors.New("late")
	l := newLifecycle(slog.New(slog.DiscardHandler))
	l.start(t.Context(), "sound", func(ctx context.Context) error {
		<-ctx.Done()
		return late
	})
	l.start(t.Context(), "unsound", func(context.Context) error { return boom })
	if err := l.wait(t.Context()); !errors.Is(err, boom) {
		t.Errorf("wait: %v, want the failure", err)
	}
	if err := l.stop(); !errors.Is(err, late) {
		t.Errorf("stop: %v, want what went wrong while stopping", err)
	}
}

func TestLifecycleAPartThatJustReturns(t *testing.T) {
	l := newLifecycle(slog.New(slog.DiscardHandler))
	l.start(t.Context(), "short", func(context.Context) error { return nil })
	if err := l.wait(t.Context()); !errors.Is(err, errEnded) {
		t.Errorf("wait: %v", err)
	}
	if err := l.stop(); err != nil {
		t.Error(err)
	}
}

func TestDiskGate(t *testing.T) {
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	free, looks := int64(100), 0
	var failure error
	g := newDiskGate(func() []string { return []string{"/data"} }, 50, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	g.free = func(string) (int64, error) {
		looks++
		return free, failure
	}
	check := func(want hub.Code) {
		t.Helper()
		if got := hub.CodeOf(g.Check()); got != want {
			t.Errorf("%d free: %q, want %q", free, got, want)
		}
	}
	check("")
	free = 49
	check("") // the last look is not old
	now = now.Add(diskCheckEvery)
	check(hub.StorageFull)
	check(hub.StorageFull)
	free = 50
	now = now.Add(diskCheckEvery)
	check("")
	free = 0
	now = now.Add(-time.Hour) // the clock stepped back
	check(hub.StorageFull)
	failure = errors.New("no such folder")
	now = now.Add(diskCheckEvery)
	check("")
	if looks != 5 {
		t.Errorf("%d looks at the disk, want 5", looks)
	}
	g.reserve = 0
	free = 0
	now = now.Add(diskCheckEvery)
	check("")
}

// TestDiskGateOfFolders: the fullest disk counts, and one that cannot be asked
// does not.
func TestDiskGateOfFolders(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"data", "db", "files"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{
		"HUB_DATA_DIR": dir + "/data", "HUB_DATABASE_URL": "sqlite://" + dir + "/db/hub.db", "HUB_FILES": dir + "/files/of/the/hub",
	}
	load := func() Config {
		t.Helper()
		c, err := LoadConfig(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for full, want := range map[string]hub.Code{
		"/elsewhere": "", "/data": hub.StorageFull, "/db": hub.StorageFull, "/files": hub.StorageFull,
	} {
		g := newDiskGate(load().DiskFolders, 50, time.Now, slog.New(slog.DiscardHandler))
		g.free = func(folder string) (int64, error) {
			switch folder {
			case dir + full:
				return 49, nil
			case dir + "/data":
				return 0, errors.New("not to be asked")
			}
			return 50, nil
		}
		if got := hub.CodeOf(g.Check()); got != want {
			t.Errorf("%s is full: %q, want %q", full, got, want)
		}
	}
	env["HUB_DATABASE_URL"] = "postgres://db/hub"
	if got, want := load().DiskFolders(), []string{dir + "/data", dir + "/files"}; !slices.Equal(got, want) {
		t.Errorf("on Postgres: %v, want %v", got, want)
	}
}

func TestFreeBytes(t *testing.T) {
	if n, err := freeBytes(t.TempDir()); err != nil || n <= 0 {
		t.Errorf("free space here: %d, %v", n, err)
	}
	if _, err := freeBytes("/no/such/folder"); err == nil {
		t.Error("a folder that does not exist has free space")
	}
}

func TestNoticesReadWell(t *testing.T) {
	for _, n := range []hub.Notice{hub.NoticeDeadLetter, hub.NoticeBreaker, hub.NoticeGone, hub.NoticeFailing} {
		w := &hub.OutgoingWebhook{ID: "w", Name: "orders", Notice: n, Health: hub.Health{Failures: 10}}
		text := noticeText(w)
		e, err := noticeEvent(w)
		if err != nil {
			t.Fatal(err)
		}
		want := hub.EventWebhookFailing
		if n.Disabling() {
			want = hub.EventWebhookDisabled
		}
		if e.Type != want || e.Origin.ID != "w" || len(text) < 60 {
			t.Errorf("%s: event %s from %+v, text %q", n, e.Type, e.Origin, text)
		}
	}
}
