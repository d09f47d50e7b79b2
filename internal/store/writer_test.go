package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// put writes one row whose key is k.
func put(k, v string) func(*tx) error {
	return func(t *tx) error {
		_, err := t.exec(`INSERT INTO nchat_settings (key, value, updated_at) VALUES ($1, $2, $3)`, k, v, at(t.now))
		return err
	}
}

func stored(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	out := make(map[string]bool)
	err := each(context.Background(), s.readers, func(row scanner) error {
		var k string
		err := row.Scan(&k)
		out[k] = true
		return err
	}, `SELECT key FROM nchat_settings WHERE key LIKE 'k%'`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// inOneGroup hands the values to the writer so that it finds them all waiting
// at once, and returns their answers.
func inOneGroup(t *testing.T, s *Store, values ...func(*tx) error) []error {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	gate := make(chan error, 1)
	go func() {
		gate <- s.write(context.Background(), func(*tx) error {
			once.Do(func() { close(entered) })
			<-leave
			return nil
		})
	}()
	<-entered
	writes := make([]*write, len(values))
	for i, v := range values {
		writes[i] = &write{apply: v, done: make(chan error, 1)}
		if err := s.w.enqueue(context.Background(), writes[i]); err != nil {
			t.Fatal(err)
		}
	}
	close(leave)
	if err := <-gate; err != nil {
		t.Fatal(err)
	}
	answers := make([]error, len(values))
	for i, w := range writes {
		answers[i] = <-w.done
	}
	return answers
}

func TestWriterAcknowledgedIsStoredRefusedIsAbsent(t *testing.T) {
	boom := errors.New("boom")
	late := func(k string) func(*tx) error { // fails after it has changed something
		return func(t *tx) error {
			if err := put(k, "x")(t); err != nil {
				return err
			}
			return boom
		}
	}
	// The database refuses it without a change: on Postgres that ends the transaction.
	unreadable := func(t *tx) error {
		_, err := one(context.Background(), t, "user", scanText, `SELECT email FROM nchat_users WHERE id = $1`, "no id")
		return err
	}
	panics := func(t *tx) error { _ = put("k-panic", "x")(t); panic("no") }
	tests := map[string]struct {
		values []func(*tx) error
		failed []int
		want   []string
	}{
		"all well":          {[]func(*tx) error{put("k0", ""), put("k1", ""), put("k2", "")}, nil, []string{"k0", "k1", "k2"}},
		"one fails":         {[]func(*tx) error{put("k0", ""), late("k1"), put("k2", "")}, []int{1}, []string{"k0", "k2"}},
		"a refused read":    {[]func(*tx) error{put("k0", ""), unreadable, put("k2", "")}, []int{1}, []string{"k0", "k2"}},
		"a panic":           {[]func(*tx) error{put("k0", ""), panics, put("k2", "")}, []int{1}, []string{"k0", "k2"}},
		"same key twice":    {[]func(*tx) error{put("k0", "a"), put("k0", "b"), put("k2", "")}, []int{1}, []string{"k0", "k2"}},
		"all fail":          {[]func(*tx) error{late("k0"), late("k1"), late("k2")}, []int{0, 1, 2}, nil},
		"more than the cap": {[]func(*tx) error{late("k0"), late("k1"), late("k2"), late("k3"), late("k4"), late("k5"), put("k6", "")}, []int{0, 1, 2, 3, 4, 5}, []string{"k6"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *Store, _ *time.Time) {
				answers := inOneGroup(t, s, tt.values...)
				failed := map[int]bool{}
				for _, i := range tt.failed {
					failed[i] = true
				}
				for i, err := range answers {
					if (err != nil) != failed[i] {
						t.Errorf("value %d: answer %v, want failure %v", i, err, failed[i])
					}
				}
				got := stored(t, s)
				if len(got) != len(tt.want) {
					t.Errorf("stored %v, want %v", got, tt.want)
				}
				for _, k := range tt.want {
					if !got[k] {
						t.Errorf("%s was acknowledged and is absent", k)
					}
				}
			})
		})
	}
}

// TestStaleOutcomeInAGroup: an outcome whose lease is gone, which on Postgres fails the
// transaction of whoever took it for granted, is told so, and costs nobody else
// anything.
func TestStaleOutcomeInAGroup(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store, _ *time.Time) {
		ids := &hub.IDs{}
		o := &hub.Outcome{
			DeliveryID: hub.DeliveryID(ids.New()), WebhookID: hub.WebhookID(ids.New()), Node: "one", Epoch: 1, Status: hub.DeliverySuccess,
			Attempt: hub.Attempt{Number: 1, StartedAt: s.Now(), Result: "success"},
		}
		recorded := make([]hub.Recorded, 1)
		refused := hub.Errorf(hub.Conflict, "no")
		answers := inOneGroup(t, s, put("k0", "a"),
			func(t *tx) error { return t.recordAll([]*hub.Outcome{o}, recorded) },
			func(*tx) error { return refused }, put("k0", "again"), put("k1", "b"))
		if answers[0] != nil || answers[1] != nil || !errors.Is(answers[2], refused) || answers[3] == nil || answers[4] != nil {
			t.Errorf("answers %v", answers)
		}
		if got := stored(t, s); !recorded[0].Stale || len(got) != 2 {
			t.Errorf("stale %v, stored %v", recorded[0].Stale, got)
		}
	})
}

// explosive is an argument that cannot be had.
type explosive struct{}

func (explosive) Value() (driver.Value, error) { panic("no value") }

// A panic below the statement is an error of its value alone, too, and leaves the
// connection usable.
func TestWriterSurvivesAPanicInAStatement(t *testing.T) {
	s := openTest(t, Options{})
	panics := func(t *tx) error {
		_, err := t.exec(`UPDATE nchat_settings SET value = $1`, explosive{})
		return err
	}
	for range 2 {
		answers := inOneGroup(t, s, put("k0", "a"), panics, put("k1", "b"))
		if answers[0] != nil || answers[1] == nil || answers[2] != nil {
			t.Fatalf("answers %v", answers)
		}
		if got := stored(t, s); !got["k0"] || !got["k1"] {
			t.Fatalf("stored %v", got)
		}
		if err := s.write(t.Context(), func(t *tx) error {
			_, err := t.exec(`DELETE FROM nchat_settings`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// A value that ends the transaction under the others' feet must not make the
// later ones commit by themselves.
func TestWriterSurvivesALostTransaction(t *testing.T) { onBoth(t, testWriterSurvivesALostTransaction) }

func testWriterSurvivesALostTransaction(t *testing.T, s *Store, _ *time.Time) {
	saboteur := func(t *tx) error {
		_, err := t.exec("ROLLBACK")
		if err == nil {
			err = errors.New("I rolled back")
		}
		return err
	}
	answers := inOneGroup(t, s, put("k0", ""), saboteur, put("k2", ""))
	got := stored(t, s)
	for i, k := range map[int]string{0: "k0", 2: "k2"} {
		if (answers[i] == nil) != got[k] {
			t.Errorf("%s: answer %v, stored %v", k, answers[i], got[k])
		}
	}
	if answers[1] == nil {
		t.Error("the saboteur was acknowledged")
	}
	if err := s.write(context.Background(), put("k9", "")); err != nil {
		t.Errorf("the writer did not recover: %v", err)
	}
}

// A value that passes over what the database refused must not take the others'
// with it: on Postgres nothing of the transaction would be stored.
func TestWriterSurvivesAnErrorPassedOver(t *testing.T) {
	onBoth(t, testWriterSurvivesAnErrorPassedOver)
}

func testWriterSurvivesAnErrorPassedOver(t *testing.T, s *Store, _ *time.Time) {
	for name, statement := range map[string]string{
		"at once":  `INSERT INTO nchat_settings (key) VALUES ('incomplete')`,
		"in a row": `SELECT i, CAST(CASE i WHEN 1 THEN '` + id1 + `' ELSE CAST(i AS text) END AS uuid) FROM (SELECT 1 AS i UNION ALL SELECT 2) n`,
	} {
		a, b := "k-before "+name, "k-behind "+name
		answers := inOneGroup(t, s, put(a, ""), func(t *tx) error {
			return hub.Wrap(hub.NotFound, each(context.Background(), t, func(scanner) error { return nil }, statement), "Not found.")
		}, put(b, ""))
		got := stored(t, s)
		for k, err := range map[string]error{a: answers[0], b: answers[2]} {
			if err != nil || !got[k] {
				t.Errorf("%s: answer %v, stored %v", k, err, got[k])
			}
		}
	}
}

func TestWriterCallerWhoGaveUp(t *testing.T) { onBoth(t, testWriterCallerWhoGaveUp) }

func testWriterCallerWhoGaveUp(t *testing.T, s *Store, _ *time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.write(ctx, put("k0", "")); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("a canceled caller got %v", err)
	}
	// Canceled while queued behind another: the answer is still the truth.
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	first := make(chan error, 1)
	go func() {
		first <- s.write(context.Background(), func(*tx) error {
			once.Do(func() { close(entered) })
			<-leave
			return nil
		})
	}()
	<-entered
	ctx, cancel = context.WithCancel(context.Background())
	second := make(chan error, 1)
	queued := make(chan struct{})
	go func() {
		close(queued)
		second <- s.write(ctx, put("k1", ""))
	}()
	<-queued
	cancel()
	close(leave)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	err := <-second
	if got := stored(t, s); got["k0"] || got["k1"] != (err == nil) {
		t.Errorf("stored %v, answer %v", got, err)
	}
}

func TestWriterFullDiskInsideAGroup(t *testing.T) {
	s := openTest(t, Options{MaxPages: 180})
	big := strings.Repeat("x", 16<<10)
	acknowledged := make(map[string]bool)
	full := false
	for round := range 40 {
		values := make([]func(*tx) error, 5)
		keys := make([]string, 5)
		for i := range values {
			keys[i] = fmt.Sprintf("k%d-%d", round, i)
			v := big
			if i%2 == 1 {
				v = "small"
			}
			values[i] = put(keys[i], v)
		}
		for i, err := range inOneGroup(t, s, values...) {
			switch {
			case err == nil:
				acknowledged[keys[i]] = true
			case hub.CodeOf(err) == hub.StorageFull:
				full = true
			default:
				t.Fatalf("%s: %v", keys[i], err)
			}
		}
	}
	if !full {
		t.Fatal("the disk never became full; the test shows nothing")
	}
	got := stored(t, s)
	if len(got) != len(acknowledged) {
		t.Errorf("%d acknowledged, %d stored", len(acknowledged), len(got))
	}
	for k := range acknowledged {
		if !got[k] {
			t.Errorf("%s was acknowledged and is absent", k)
		}
	}
	// Space comes back: so does the writer.
	err := s.write(context.Background(), func(t *tx) error {
		_, err := t.exec(`DELETE FROM nchat_settings WHERE key LIKE 'k1%'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(context.Background(), put("k-after", big)); err != nil {
		t.Errorf("after space came back: %v", err)
	}
}

func TestWriterManyCallers(t *testing.T) { onBoth(t, testWriterManyCallers) }

func testWriterManyCallers(t *testing.T, s *Store, _ *time.Time) {
	var wg sync.WaitGroup
	var refused atomic.Int64
	for i := range 64 {
		wg.Go(func() {
			for k := range 50 {
				// Every tenth key is taken by all: one of them wins.
				key := fmt.Sprintf("k%d-%d", i, k)
				if k%10 == 0 {
					key = fmt.Sprintf("k-shared-%d", k)
				}
				err := s.write(context.Background(), put(key, ""))
				if err != nil {
					refused.Add(1)
					if hub.CodeOf(err) != hub.Conflict {
						t.Errorf("%v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got, want := len(stored(t, s)), 64*45+5; got != want {
		t.Errorf("stored %d, want %d", got, want)
	}
	if got, want := refused.Load(), int64(63*5); got != want {
		t.Errorf("refused %d, want %d", got, want)
	}
}

func TestWriterClosed(t *testing.T) { onBoth(t, testWriterClosed) }

func testWriterClosed(t *testing.T, s *Store, _ *time.Time) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.write(context.Background(), put("k0", "")); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	openTest(t, Options{Path: path})
	_, err := Open(context.Background(), Options{Path: path})
	if err == nil || !strings.Contains(err.Error(), "another hub") {
		t.Errorf("second owner of a folder: %v", err)
	}
	shared, err := Open(context.Background(), Options{Path: path, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	if err := shared.write(context.Background(), put("k0", "")); err != nil {
		t.Errorf("a command line beside the hub: %v", err)
	}
}

func TestCompareVersions(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"3.51.3", "3.51.3", 0}, {"3.9.9", "3.51.3", -1}, {"3.54.1", "3.51.3", 1}, {"4", "3.51.3", 1}, {"3.51", "3.51.3", -1}} {
		got := compareVersions(tt.a, tt.b)
		if got < 0 != (tt.want < 0) || got > 0 != (tt.want > 0) {
			t.Errorf("compareVersions(%s, %s) = %d", tt.a, tt.b, got)
		}
	}
}
