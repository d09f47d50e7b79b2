package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// FuzzHandover: what is handed over is read as it was written, in parts that a
// notification holds, and what is none is refused.
func FuzzHandover(f *testing.F) {
	f.Add("message.created", `{"a":"b\n"}`, "m:1", "ann", "C0123", 3)
	f.Add("x", strings.Repeat("x", 6800), "", "", "", 120)
	f.Add("<>&", "\n\n", "\x00", "ü", "\u2028", 1)
	f.Fuzz(func(t *testing.T, kind, data, key, name, external string, lanes int) {
		_, _ = readHandover(data)
		for _, s := range []string{kind, key, name, external} {
			if !utf8.ValidString(s) {
				t.Skip("no name holds it")
			}
		}
		if len(data)+6*(len(kind)+len(key)+len(name)+len(external)) > 7000 || lanes < 1 || lanes > 200 {
			t.Skip("it is not handed over")
		}
		e := &hub.Event{
			ID: "0192a000-0000-7000-8000-000000000001", Type: kind, Data: []byte(data), OrderKey: key,
			Time:        time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
			Origin:      hub.Origin{Kind: hub.OriginLink, ID: "0192a000-0000-7000-8000-000000000002", External: external, Hop: 2},
			TriggeredBy: &hub.TriggeredBy{UserID: "0192a000-0000-7000-8000-000000000003", Username: name},
		}
		var all []handed
		want := make(map[hub.DeliveryID]hub.RoutedDelivery)
		for n := range lanes {
			lane := hub.WebhookID(fmt.Sprintf("0192a000-0000-7000-8000-%012d", n))
			d := &hub.RoutedDelivery{Handed: true, Mark: int64(n % 3)}
			d.ID, d.WebhookID, d.EventID, d.EventType = hub.DeliveryIDFor(e.ID, lane), lane, e.ID, e.Type
			d.Status, d.LeasedTo, d.Epoch, d.LeaseSeq = hub.DeliveryActive, fmt.Sprint("node ", n%2), 1, int64(n)<<40
			if n%2 == 0 {
				d.OrderKey = key
			}
			all, want[d.ID] = append(all, handed{d, e, "ear of " + d.LeasedTo}), *d
		}
		ears, texts, err := handovers(all)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			if len(text) > maxSignal {
				t.Errorf("a text of %d bytes", len(text))
			}
			r, err := readHandover(text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(r.Event, e) {
				t.Errorf("the event is read as %+v, want %+v", r.Event, e)
			}
			for _, d := range r.Deliveries {
				if ears[i] != "ear of "+d.LeasedTo || !reflect.DeepEqual(d, want[d.ID]) {
					t.Errorf("at %s: %+v, want %+v", ears[i], d, want[d.ID])
				}
				delete(want, d.ID)
			}
		}
		if len(want) > 0 {
			t.Errorf("%d are not told", len(want))
		}
	})
}

// ears collects what a store hears.
type ears struct {
	mu        sync.Mutex
	handed    []hub.Routing
	listening chan string
	came      chan struct{}   // capacity 100
	signals   chan hub.Signal // the same
}

func hear(t *testing.T, s *Store) *ears {
	t.Helper()
	e := &ears{listening: make(chan string, 10), came: make(chan struct{}, 100), signals: make(chan hub.Signal, 100)}
	ctx, stop := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() {
		_ = s.Listen(ctx, hub.Ears{
			Signal: func(s hub.Signal) { e.signals <- s },
			Handover: func(r hub.Routing) {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.handed = append(e.handed, r)
				e.came <- struct{}{}
			},
			Listening: func(_ context.Context, node string) error {
				e.listening <- node
				return nil
			},
		})
	})
	t.Cleanup(func() { stop(); listening.Wait() })
	return e
}

func receive[V any](t *testing.T, from <-chan V) (v V) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing comes")
	}
	return v
}

// openPair opens a database for two processes, "from" and "to", of which the first
// knows of the other.
func openPair(t *testing.T) (from, to *Store) {
	t.Helper()
	options := EmptyPostgres(t)
	from = openTest(t, options)
	options.Shared = true
	to = openTest(t, options)
	for s, id := range map[*Store]string{from: "from", to: "to"} {
		if _, err := s.Join(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := from.Beat(t.Context(), "from"); err != nil { // it learns of the other
		t.Fatal(err)
	}
	return from, to
}

// TestHandoverIsTold: what is leased to another process is told to that one, with
// the event, when and only when it is stored.
func TestHandoverIsTold(t *testing.T) {
	from, to := openPair(t)
	heard := hear(t, to)
	if node := receive(t, heard.listening); node != "to" {
		t.Fatalf("it listens as %q", node)
	}
	ids := &hub.IDs{Now: from.Now}
	routing := func(key, node string) hub.Routing {
		e := &hub.Event{
			ID: hub.EventID(ids.New()), Type: "x", Time: from.Now().Truncate(time.Microsecond), Data: json.RawMessage(`{"a": "ü"}`),
			Origin: hub.Origin{Kind: hub.OriginHub}, OrderKey: key,
		}
		d := hub.RoutedDelivery{Handed: true, Mark: 7}
		d.ID, d.WebhookID, d.EventID, d.EventType, d.OrderKey = hub.DeliveryIDFor(e.ID, id1), id1, e.ID, e.Type, key
		d.Status, d.LeasedTo, d.Epoch, d.LeaseSeq = hub.DeliveryActive, node, 1, 7
		return hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{d}}
	}
	publish := func(r hub.Routing) hub.RoutedDelivery {
		t.Helper()
		if err := from.Publish(t.Context(), nil, r); err != nil {
			t.Fatal(err)
		}
		return r.Deliveries[0]
	}
	status := func(id hub.DeliveryID, want hub.DeliveryStatus, node string) {
		t.Helper()
		d, err := from.Delivery(t.Context(), id)
		if err != nil || d.Status != want || d.LeasedTo != node || (node == "") == d.DueAt.IsZero() {
			t.Errorf("it is %+v, %v; want %s, leased to %q", d, err, want, node)
		}
	}

	first := publish(routing("k", "to"))
	receive(t, heard.came)
	if r := heard.handed[0]; r.Event.ID != first.EventID || string(r.Event.Data) != `{"a": "ü"}` || len(r.Deliveries) != 1 ||
		!reflect.DeepEqual(r.Deliveries[0], first) {
		t.Errorf("it hears %+v, want %+v", r, first)
	}
	status(first.ID, hub.DeliveryActive, "to")

	// Neither what waits for that one, nor what is not stored, nor what is for somebody
	// who is not there.
	if d := publish(routing("k", "to")); !d.Parked {
		t.Error("it is not parked")
	}
	again := routing("", "to")
	again.Deliveries[0].ID, again.Event.ID = first.ID, first.EventID
	if err := from.Publish(t.Context(), nil, again); err == nil {
		t.Error("an event was stored twice")
	}
	if d := publish(routing("", "nobody")); d.Handed || d.LeasedTo != "" || d.Status != hub.DeliveryPending {
		t.Errorf("to nobody: %+v", d)
	} else {
		status(d.ID, hub.DeliveryPending, "")
	}
	last := publish(routing("", "to"))
	receive(t, heard.came)
	if n := len(heard.handed); n != 2 || heard.handed[1].Deliveries[0].ID != last.ID {
		t.Errorf("%d are heard of: %+v", n, heard.handed)
	}

	// Under a new name it hears what is handed over to that.
	if _, err := to.Join(t.Context(), "to anew", "test"); err != nil {
		t.Fatal(err)
	}
	if was, is := receive(t, heard.listening), receive(t, heard.listening); was != "" || is != "to anew" {
		t.Errorf("then it listens as %q, and as %q", was, is)
	}
	if _, err := from.Beat(t.Context(), "from"); err != nil {
		t.Fatal(err)
	}
	publish(routing("", "to anew"))
	receive(t, heard.came)
}
