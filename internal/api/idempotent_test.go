package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/internal/control"
)

// doubtful is a store whose commits take effect, and nobody can tell.
type doubtful struct {
	control.Store
	tokens, events atomic.Int32
}

func (s *doubtful) lost(err error) error {
	return errors.Join(err, hub.Wrap(hub.Unavailable, hub.ErrInDoubt, "Whether it took effect is not known."))
}

func (s *doubtful) CreateToken(ctx context.Context, once *hub.Idempotency, k hub.APIToken) error {
	s.tokens.Add(1)
	return s.lost(s.Store.CreateToken(ctx, once, k))
}

func (s *doubtful) Publish(ctx context.Context, once *hub.Idempotency, routings ...hub.Routing) error {
	err := s.Store.Publish(ctx, once, routings...)
	if _, again := errors.AsType[*hub.RepeatedError](err); again {
		return err
	}
	s.events.Add(1)
	return s.lost(err)
}

// TestInDoubt: what may have taken effect is not said not to have, its key stays
// used, and neither the client nor a library that repeats what is unavailable
// carries it out a second time.
func TestInDoubt(t *testing.T) {
	r := newRig(t)
	s := &doubtful{Store: r.control.Store}
	r.control.Store = s
	const asked = `{"name": "ci", "scope": "read"}`
	first := r.call("owner", http.MethodPost, "/api/tokens", asked, "Idempotency-Key: k", "X-Request-Id: first").
		refused(http.StatusInternalServerError, hub.Internal)
	for _, want := range []string{"Whether it took effect is not known. See what took effect before you send it again.", "under request id first."} {
		if !strings.Contains(string(first.body), want) {
			t.Errorf("no %q in %s", want, first.body)
		}
	}
	if after := first.header.Get("Retry-After"); after != "" {
		t.Errorf("asks to come back after %s", after)
	}
	if log := r.log.String(); !strings.Contains(log, "requestId=first") {
		t.Errorf("log %s", log)
	}
	again := r.call("owner", http.MethodPost, "/api/tokens", asked, "Idempotency-Key: k", "X-Request-Id: second").
		refused(http.StatusInternalServerError, hub.Internal)
	if string(again.body) != string(first.body) || again.header.Get(repeatedHeader) != "true" {
		t.Errorf("%v %s", again.header, again.body)
	}
	r.call("owner", http.MethodPost, "/api/tokens", asked).refused(http.StatusInternalServerError, hub.Internal)
	c, err := client.New(r.url, r.tokens["owner"], client.WithHTTPClient(r.http))
	must(t, err)
	_, err = c.CreateToken(t.Context(), client.NewToken{Name: "ci", Scope: "read"})
	if client.CodeOf(err) != client.CodeInternal {
		t.Errorf("the client: %v", err)
	}
	if n := s.tokens.Load(); n != 3 {
		t.Errorf("%d tokens of 3 requests", n)
	}

	// A key in the commit tells: the repetition that the answer asks for is safe.
	for _, key := range []string{"Idempotency-Key: e", "X-Request-Id: none"} {
		body := `{"event": "a.b", "data": 1}`
		if strings.HasPrefix(key, "X-") {
			body = `{"event": "a.b", "data": 1, "idempotencyKey": "f"}`
		}
		p := r.call("owner", http.MethodPost, "/api/events", body, key).refused(http.StatusServiceUnavailable, hub.Unavailable)
		if !strings.Contains(string(p.body), "whether it took effect is not known") || p.header.Get("Retry-After") == "" {
			t.Errorf("%v %s", p.header, p.body)
		}
		p = r.call("owner", http.MethodPost, "/api/events", body, key).want(http.StatusAccepted, nil)
		if p.header.Get(repeatedHeader) != "true" {
			t.Errorf("%v", p.header)
		}
	}
	r.call("owner", http.MethodPost, "/api/events", `{"event": "a.b", "data": 1}`).refused(http.StatusInternalServerError, hub.Internal)
	if n := s.events.Load(); n != 3 {
		t.Errorf("%d events of 3", n)
	}
}

// slow is a store that makes a token when it is told to.
type slow struct {
	control.Store
	began, goOn chan struct{}
	asked       chan struct{} // each time a key was used
	cut         atomic.Bool   // the request was, while it was carried out
}

func (s *slow) CreateToken(ctx context.Context, once *hub.Idempotency, k hub.APIToken) error {
	close(s.began)
	<-s.goOn
	s.cut.Store(ctx.Err() != nil)
	return s.Store.CreateToken(ctx, once, k)
}

func (s *slow) BeginRequest(ctx context.Context, k hub.Idempotency) (string, error) {
	response, err := s.Store.BeginRequest(ctx, k)
	if errors.Is(err, hub.ErrUnfinished) {
		s.asked <- struct{}{}
	}
	return response, err
}

// TestRepetitionWaits: who repeats a request that still runs, its first caller gone,
// gets its answer, a secret shown once included; another request is refused at once.
func TestRepetitionWaits(t *testing.T) {
	r := newRig(t)
	s := &slow{Store: r.control.Store, began: make(chan struct{}), goOn: make(chan struct{}), asked: make(chan struct{}, 100)}
	r.control.Store = s
	const asked = `{"name": "ci", "scope": "read"}`
	gone, leave := context.WithCancel(t.Context())
	first := make(chan struct{})
	go func() { // without a network, so that it is over when the server is done
		defer close(first)
		req := httptest.NewRequestWithContext(gone, http.MethodPost, "/api/tokens", strings.NewReader(asked))
		req.Header.Set("Authorization", "Bearer "+r.tokens["owner"])
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(keyHeader, "k")
		r.front.ServeHTTP(httptest.NewRecorder(), req)
	}()
	<-s.began
	leave()
	r.call("owner", http.MethodPost, "/api/tokens", `{"name": "other", "scope": "read"}`, "Idempotency-Key: k").
		refused(http.StatusConflict, hub.Conflict)
	second := make(chan *reply)
	go func() { second <- r.call("owner", http.MethodPost, "/api/tokens", asked, "Idempotency-Key: k") }()
	<-s.asked
	<-s.asked // it looks again
	close(s.goOn)
	got := <-second
	<-first
	var made struct{ Token string }
	got.want(http.StatusCreated, &made)
	if made.Token == "" || got.header.Get(repeatedHeader) != "true" {
		t.Errorf("%v %s", got.header, got.body)
	}
	if s.cut.Load() {
		t.Error("the first request was cut off with its caller")
	}
}

// TestRepetitionWaitsNotForever: a repetition waits ten seconds, and not longer than
// its caller and the hub are there; then it is told to come back.
func TestRepetitionWaitsNotForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopping := make(chan struct{})
		a := &API{Options: Options{Stopping: stopping}}
		wait := func(ctx context.Context) (took time.Duration, looks int) {
			began := time.Now()
			_, err := a.awaitFirst(ctx, func() (*control.Answer, error) {
				looks++
				return nil, hub.ErrUnfinished
			})
			if !errors.Is(err, hub.ErrUnfinished) {
				t.Errorf("got %v", err)
			}
			return time.Since(began), looks
		}
		if took, looks := wait(t.Context()); took != firstTime || looks > 20 {
			t.Errorf("%v, %d looks", took, looks)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if took, _ := wait(ctx); took != 3*time.Second {
			t.Errorf("its caller left after 3s, and it waited for %v", took)
		}
		close(stopping)
		if took, looks := wait(t.Context()); took != 0 || looks != 1 {
			t.Errorf("at the stop it waited for %v", took)
		}
	})
}

// unfinished is a store in which each key was used by a request that runs.
type unfinished struct{ control.Store }

func (unfinished) BeginRequest(context.Context, hub.Idempotency) (string, error) {
	return "", hub.ErrUnfinished
}

// TestStillRunning: the conflict that goes away by itself says when to come back.
func TestStillRunning(t *testing.T) {
	stopping := make(chan struct{})
	close(stopping) // nobody waits
	r := newRig(t, func(o *Options) { o.Stopping = stopping })
	r.control.Store = unfinished{r.control.Store}
	p := r.call("owner", http.MethodPost, "/api/queue/pause", nil, "Idempotency-Key: k").refused(http.StatusConflict, hub.Conflict)
	if p.header.Get("Retry-After") != "1" {
		t.Errorf("%v", p.header)
	}
	var problem client.Error
	must(t, json.Unmarshal(p.body, &problem))
	if problem.Detail != hub.ErrUnfinished.Detail {
		t.Error(problem.Detail)
	}
}
