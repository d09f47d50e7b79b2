package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// TestStreamResumes: 32 writers commit through two hubs while readers of the
// event stream come and go, at either hub. Each of them sees every event, once
// and in one order.
func TestStreamResumes(t *testing.T) {
	t.Parallel()
	first := postgres.startHub(t)
	second := first.beside(first.database)
	second.start()
	hubs := []*process{first, second}
	const writers, each, readers = 32, 40, 4
	var mu sync.Mutex
	published := make(map[string]bool) // event ids
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				item := api.Publication{Event: "stream.item", Data: fmt.Sprintf("%d of %d", n, w)}
				out, err := hubs[(w+n)%2].api().Publish(t.Context(), item)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				published[out.EventID] = true
				mu.Unlock()
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	seen := make([]*streamReader, readers)
	for i := range seen {
		seen[i] = &streamReader{hubs: hubs}
		reading.Go(func() {
			if err := seen[i].run(ctx); err != nil {
				t.Errorf("reader %d, after %d events: %v", i, len(seen[i].events), err)
			}
		})
	}
	writing.Wait()
	first.publish("stream.end", 1)
	reading.Wait()
	for i, r := range seen {
		if !slices.Equal(r.events, seen[0].events) {
			t.Errorf("reader %d saw other events than reader 0, or in another order", i)
		}
		times := make(map[string]int)
		for _, id := range r.events {
			times[id]++
		}
		for id := range published {
			if times[id] != 1 {
				t.Errorf("reader %d saw event %s %d times", i, id, times[id])
			}
		}
		if r.returns < 10 {
			t.Errorf("reader %d came back only %d times", i, r.returns)
		}
	}
	if len(published) != writers*each {
		t.Errorf("%d events were published", len(published))
	}
	t.Logf("%d events, %d returns of reader 0", len(seen[0].events), seen[0].returns)
	first.stop()
	second.stop()
	second.verify()
}

// TestClientFollows: the Go client's stream goes on by itself when the hub is
// killed and starts again, and brings each event once and in order.
func TestClientFollows(t *testing.T) { onBoth(t, testClientFollows) }

func testClientFollows(t *testing.T, on database) {
	p := on.newProcess(t)
	p.addr = freeAddr(t)
	p.start()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c, err := api.New(p.url, p.token)
	if err != nil {
		t.Fatal(err)
	}
	const kills, each = 2, 5
	var breaks atomic.Int64
	arrived := make(chan api.Event)
	go func() {
		defer close(arrived)
		for e, err := range c.Events(ctx, api.Now, api.WithPattern("follow.*"), api.WithBreaks(func(error) { breaks.Add(1) })) {
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case arrived <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	eventually(t, "the stream to begin", func() bool {
		p.publish("follow.begin", 1)
		select {
		case <-arrived:
			return true
		default:
			return false
		}
	})
	n, want := 0, 0
	for round := range kills + 1 {
		for range each {
			p.publish("follow.item", n)
			n++
		}
		for e := range arrived {
			if e.Event == "follow.begin" {
				continue
			}
			if string(e.Data) != strconv.Itoa(want) {
				t.Errorf("%s follows %d", e.Data, want-1)
			}
			if want++; want == n {
				break
			}
		}
		if round < kills {
			p.kill()
			p.start()
		}
	}
	cancel()
	if want != n || breaks.Load() < kills {
		t.Errorf("%d events of %d, over %d breaks", want, n, breaks.Load())
	}
	for range arrived { // to the end of the reader
	}
	p.stop()
	p.verify()
}

// streamReader follows the event stream from its beginning over many
// connections.
type streamReader struct {
	hubs    []*process
	last    int64    // number of the last event
	events  []string // ids of the events of the test
	returns int
}

// run reads until the last event of the test.
func (r *streamReader) run(ctx context.Context) error {
	for {
		ended, err := r.visit(ctx, r.hubs[rand.IntN(len(r.hubs))], 1+rand.IntN(100))
		if ended || err != nil {
			return err
		}
		r.returns++
	}
}

// visit reads so many events at a hub, or up to the last one of the test.
func (r *streamReader) visit(ctx context.Context, p *process, events int) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/events/stream", nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Last-Event-ID", strconv.FormatInt(r.last, 10))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, errors.New(resp.Status)
	}
	var number int64
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			if number, err = strconv.ParseInt(value, 10, 64); err != nil {
				return false, err
			}
		case "data":
			if ended, err = r.take(number, value); ended || err != nil {
				return ended, err
			}
			if events--; events == 0 {
				return false, nil
			}
		}
	}
	return false, fmt.Errorf("the stream ended: %w", context.Cause(ctx))
}

func (r *streamReader) take(number int64, data string) (ended bool, err error) {
	if number != r.last+1 {
		return false, fmt.Errorf("event %d follows event %d", number, r.last)
	}
	r.last = number
	var e struct{ ID, Event string }
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return false, err
	}
	switch e.Event {
	case "stream.item":
		r.events = append(r.events, e.ID)
	case "stream.end":
		return true, nil
	}
	return false, nil
}
