package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// smallDisk mounts a disk of its own of so many MiB, or skips the test where
// that is not allowed; under CI it must be.
func smallDisk(t *testing.T, mebibytes int) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("small disks are made on Linux only")
	}
	dir := t.TempDir()
	if err := syscall.Mount("hub-e2e", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mebibytes)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("a small disk cannot be mounted (%v), and under CI nothing is skipped: run as root", err)
		}
		t.Skipf("a small disk cannot be mounted (%v): run as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// free returns the free bytes of a disk.
func free(t *testing.T, dir string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// ballast takes space on a disk until no more than rest bytes are free, in
// addition to what it took before. It returns what gives all of it back.
func ballast(t *testing.T, dir string, rest int64) (remove func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); free(t, dir) > rest; {
		n := min(free(t, dir)-rest, int64(len(block)))
		if _, err := f.Write(block[:n]); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// TestDiskReserve: below the reserve the hub takes in nothing, finishes what
// it has in hand, and takes things in again when there is space.
func TestDiskReserve(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 64)
	fileDisk := smallDisk(t, 64)
	p, receiver := newProcess(t, "HUB_DISK_RESERVE=24MiB", "HUB_FILES="+filepath.Join(fileDisk, "files")), newSink(t)
	p.dir = filepath.Join(disk, "data")
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.start()
	answerNow := make(chan struct{})
	receiver.script("/slow", func(_ int, w http.ResponseWriter) {
		<-answerNow
		w.WriteHeader(http.StatusNoContent)
	})
	let := sync.OnceFunc(func() { close(answerNow) })
	t.Cleanup(let)
	w := p.webhookTo(receiver, "/slow", []string{"in.hand", "late"}, map[string]any{"concurrency": 5})
	in := p.incoming(map[string]any{"name": "full", "targetChannelId": p.general()})
	for n := range 20 {
		p.publish("in.hand", n)
	}
	receiver.await("/slow", 5)

	remove := ballast(t, disk, 8<<20)
	intake := map[string]func() int{
		"an event": func() int {
			_, err := p.api().Publish(t.Context(), api.Publication{Event: "late", Data: 1})
			return statusOf(err)
		},
		"an incoming call": func() int { return p.curl(in.Token, `{"content":"late"}`).Status },
		"a message": func() int {
			_, err := p.api().PostMessage(t.Context(), p.general(), api.NewMessage{Content: "late"})
			return statusOf(err)
		},
		"a channel's topic": func() int {
			_, err := p.api().UpdateChannel(t.Context(), p.general(), api.ChannelChange{Topic: api.Set("late")})
			return statusOf(err)
		},
		"an incoming webhook": func() int {
			_, err := p.api().CreateIncomingWebhook(t.Context(), api.IncomingWebhookFields{
				Name: api.Set("late"), TargetChannelID: api.Set(p.general()),
			})
			return statusOf(err)
		},
	}
	for name, send := range intake {
		// The hub looks at its disks once a second.
		eventually(t, "507 for "+name, func() bool { return send() == http.StatusInsufficientStorage })
	}
	before := len(p.newest(p.general()))
	for name, send := range intake {
		if got := send(); got != http.StatusInsufficientStorage {
			t.Errorf("%s below the reserve: %d", name, got)
		}
	}
	if n := len(p.newest(p.general())); n != before {
		t.Errorf("what was refused is there: %d messages, %d before", n, before)
	}
	if a := p.curl(in.Token, `{"content":"late"}`); !strings.Contains(string(a.Body), "disk") {
		t.Errorf("the refusal does not say why: %s", a.Body)
	}

	let()
	p.awaitStatuses(w.ID, "success", len(p.deliveries(w.ID, "")))
	remove()
	for name, send := range intake {
		eventually(t, "success of "+name, func() bool { return send() < 300 })
	}
	// The disk of the uploaded files counts as well.
	remove = ballast(t, fileDisk, 8<<20)
	eventually(t, "507 for the disk of the files", func() bool { return intake["an event"]() == http.StatusInsufficientStorage })
	remove()
	eventually(t, "an event", func() bool { return intake["an event"]() < 300 })
	p.drained(patience)
	p.stop()
	p.verify()
}

// TestDiskFull fills the disk to its last byte under load: what was
// acknowledged is stored, what was refused is not, and the hub lives on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 48)
	p, receiver := newProcess(t, "HUB_DISK_RESERVE=0"), newSink(t)
	p.dir = filepath.Join(disk, "data")
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.start()
	w := p.webhookTo(receiver, "/full", []string{"item"}, nil)
	b := &diskBooks{p: p, outcome: make(map[string]int)}

	b.load(50)
	ballast(t, disk, 2<<20)
	b.load(600) // more than there is space for
	if b.refused.Load() == 0 {
		t.Fatal("nothing was refused: the disk was not full")
	}
	remove := ballast(t, disk, 0)
	b.load(40)
	for _, path := range []string{"/healthz", "/api/channels", "/api/events"} {
		if a, err := p.do("GET", path, nil, nil); err != nil || a.Status != http.StatusOK {
			t.Errorf("%s on a full disk: %v, %d %s", path, err, a.Status, a.Body)
		}
	}
	remove()
	eventually(t, "an event after space was made", func() bool { return b.send("afterwards") < 300 })

	ballast(t, disk, 0)
	b.load(40)
	p.kill() // on a full disk
	remove()
	p.start()
	b.load(50)
	p.drained(patience)
	b.compare(t)
	if got, want := p.succeeded(w.ID), b.acknowledged(); got != want {
		t.Errorf("%d deliveries succeeded, %d events were acknowledged", got, want)
	}
	p.stop()
	p.verify()
	t.Logf("%d acknowledged, %d refused", b.acknowledged(), b.refused.Load())
}

// succeeded counts a webhook's successful deliveries over all pages.
func (p *process) succeeded(webhookID string) int {
	p.t.Helper()
	return len(all(p, p.api().Deliveries(p.t.Context(), api.DeliveryQuery{WebhookID: webhookID, Status: "success"}, api.WithPageSize(500))))
}

// diskBooks remember what the hub answered to each event.
type diskBooks struct {
	p       *process
	next    atomic.Int64
	refused atomic.Int64
	mu      sync.Mutex
	outcome map[string]int // event data → status
}

// load sends so many events of 20 KiB from four clients.
func (b *diskBooks) load(events int) {
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(events))
	for range 4 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				b.send(fmt.Sprintf("item %d %s", b.next.Add(1), strings.Repeat("x", 20<<10)))
			}
		})
	}
	wg.Wait()
}

func (b *diskBooks) send(item string) int {
	_, err := b.p.api().Publish(b.p.t.Context(), api.Publication{Event: "item", Data: item})
	status := statusOf(err)
	switch {
	case status == 0:
		b.p.t.Errorf("no answer: %v", err)
	case status > 299:
		b.refused.Add(1)
		if status != http.StatusInsufficientStorage && status != http.StatusServiceUnavailable {
			b.p.t.Errorf("a full disk is answered with: %v", err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.outcome[item] == 0 || status < 300 {
		b.outcome[item] = status
	}
	return status
}

func (b *diskBooks) acknowledged() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, status := range b.outcome {
		if status < 300 {
			n++
		}
	}
	return n
}

// compare reads the whole event log and holds it against the books.
func (b *diskBooks) compare(t *testing.T) {
	t.Helper()
	stored := make(map[string]int)
	for e, err := range b.p.api().EventLog(t.Context(), "item") {
		b.p.ok(err)
		var item string
		if err := json.Unmarshal(e.Data, &item); err != nil {
			t.Fatal(err)
		}
		stored[item]++
	}
	for item, status := range b.outcome {
		want := 0
		if status < 300 {
			want = 1
		}
		if stored[item] != want {
			t.Errorf("%.20s was answered %d and is stored %d times", item, status, stored[item])
		}
		delete(stored, item)
	}
	if len(stored) != 0 {
		t.Errorf("%d events are stored that nobody sent", len(stored))
	}
}
