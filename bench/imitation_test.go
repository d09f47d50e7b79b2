package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// faultVariable names the fault of the imitation: none when empty.
const faultVariable = "IMITATION_FAULT"

// The faults that the harness must notice, each a way in which a hub could be wrong.
const (
	faultDrop     = "drop"     // acknowledges event 7, never delivers it, and books it as delivered
	faultDouble   = "double"   // delivers event 7 twice under one delivery id
	faultTwin     = "twin"     // delivers event 7 under two delivery ids
	faultSwap     = "swap"     // drops event 7 and delivers event 8 twice: the count is right
	faultPhantom  = "phantom"  // refuses event 7 and delivers it
	faultRefuse   = "refuse"   // refuses event 7
	faultUnsigned = "unsigned" // does not sign
	faultBooks    = "books"    // counts one delivery too many as completed
	faultCrash    = "crash"    // ends when event 7 comes
	faultNoStart  = "nostart"  // ends at once
	faultShared   = "shared"   // one pool of workers for all webhooks
)

// imitation accepts the calls that the harness makes and delivers from memory, so that the harness can be tested
// against a hub that is wrong on purpose. It runs as a child process, the test binary with the argument "serve".
type imitation struct {
	token string
	fault string
	out   *http.Client
	all   chan job // the shared pool

	mu       sync.Mutex
	hooks    []*imitatedHook
	stats    queueStats
	messages []string // newest last
	incoming string   // token of the incoming webhook
}

type imitatedHook struct {
	id, secret, url, pattern string
	jobs                     chan job
}

func (h *imitatedHook) wants(event string) bool {
	return h.pattern == event || h.pattern == eventPattern
}

type job struct {
	hook *imitatedHook
	id   string
	data []byte
}

const imitationQueue = 1 << 13

// serveImitation serves on HUB_ADDR until SIGTERM.
func serveImitation() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m := &imitation{
		token: os.Getenv("HUB_ADMIN_TOKEN"), fault: os.Getenv(faultVariable), all: make(chan job, imitationQueue),
		out: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	if m.fault == faultNoStart {
		return fmt.Errorf("cannot start with token %s", m.token)
	}
	if err := os.MkdirAll(os.Getenv("HUB_DATA_DIR"), 0o700); err != nil {
		return err
	}
	for range 4 {
		go m.work(m.all)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/webhooks/incoming/{token}", m.postMessage)
	mux.HandleFunc("POST /api/outgoing-webhooks", m.authorized(m.postHook))
	mux.HandleFunc("POST /api/incoming-webhooks", m.authorized(m.postIncoming))
	mux.HandleFunc("POST /api/events", m.authorized(m.postEvent))
	mux.HandleFunc("GET /api/queue/stats", m.authorized(m.getStats))
	mux.HandleFunc("GET /api/channels", m.authorized(m.getChannels))
	mux.HandleFunc("GET /api/channels/{id}/messages", m.authorized(m.getMessages))
	if addr := os.Getenv("HUB_PPROF_ADDR"); addr != "" {
		profiles := http.NewServeMux()
		profiles.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		go func() { _ = http.ListenAndServe(addr, profiles) }()
	}
	ln, err := net.Listen("tcp", os.Getenv("HUB_ADDR"))
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(ln, mux) }()
	<-ctx.Done()
	return nil
}

func (m *imitation) authorized(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+m.token {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		h(w, r)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (m *imitation) postHook(w http.ResponseWriter, r *http.Request) {
	var in struct {
		URL    string
		Events []string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Events) != 1 {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := fmt.Sprintf("hook-%d", len(m.hooks))
	h := &imitatedHook{id: id, secret: floorSecret, url: in.URL, pattern: in.Events[0], jobs: make(chan job, imitationQueue)}
	m.hooks = append(m.hooks, h)
	for range 10 {
		go m.work(h.jobs)
	}
	reply(w, http.StatusCreated, outgoing{ID: h.id, Secret: h.secret})
}

func (m *imitation) postEvent(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Event string
		Data  json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	event, _ := readMark(in.Data)
	if event.seq == 7 && m.fault == faultCrash {
		os.Exit(3)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	matched := 0
	for _, h := range m.hooks {
		if !h.wants(in.Event) {
			continue
		}
		matched++
		j := job{hook: h, id: fmt.Sprintf("%s-%d", h.id, event.seq), data: in.Data}
		for _, id := range m.copies(j.id, event.seq) {
			j.id = id
			m.stats.Total++
			m.stats.Pending++
			if m.fault == faultShared {
				m.all <- j
			} else {
				h.jobs <- j
			}
		}
	}
	if event.seq == 7 && (m.fault == faultRefuse || m.fault == faultPhantom) {
		http.Error(w, "no", http.StatusInsufficientStorage)
		return
	}
	reply(w, http.StatusAccepted, map[string]any{"eventId": "e", "deliveries": matched})
}

// copies are the delivery ids under which event seq goes out: one, unless there is a fault.
func (m *imitation) copies(id string, seq int) []string {
	switch {
	case seq == 7 && (m.fault == faultDrop || m.fault == faultSwap):
		m.stats.Completed++
		return nil
	case seq == 7 && m.fault == faultRefuse:
		return nil
	case seq == 7 && m.fault == faultDouble, seq == 8 && m.fault == faultSwap:
		m.stats.Completed-- // the second copy is not in the books
		return []string{id, id}
	case seq == 7 && m.fault == faultTwin:
		m.stats.Completed--
		return []string{id, id + "-twin"}
	case seq == 7 && m.fault == faultBooks:
		m.stats.Completed++
	}
	return []string{id}
}

func (m *imitation) work(jobs chan job) {
	for j := range jobs {
		m.deliver(j)
		m.mu.Lock()
		m.stats.Pending--
		m.stats.Completed++
		m.mu.Unlock()
	}
}

func (m *imitation) deliver(j job) {
	key, err := standardKey(j.hook.secret)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	body := fmt.Appendf(nil, `{"id":%q,"event":%q,"data":%s}`, j.id, eventName, j.data)
	req, err := http.NewRequest(http.MethodPost, j.hook.url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	setDeliveryHeaders(req.Header, j.hook.secret, key, j.id, now, body)
	if m.fault == faultUnsigned {
		req.Header.Del(headerSignature)
	}
	res, err := m.out.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

func (m *imitation) getStats(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	reply(w, http.StatusOK, m.stats)
}

func (m *imitation) getChannels(w http.ResponseWriter, _ *http.Request) {
	channels := []map[string]string{{"id": "c0", "name": "notices"}, {"id": "c1", "name": "general"}}
	reply(w, http.StatusOK, map[string]any{"items": channels})
}

func (m *imitation) postIncoming(w http.ResponseWriter, r *http.Request) {
	var in struct{ TargetChannelID string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.TargetChannelID != "c1" {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.incoming = "secret-token"
	reply(w, http.StatusCreated, map[string]string{"token": m.incoming, "url": "http://example.com/x"})
}

func (m *imitation) postMessage(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text string }
	err := json.NewDecoder(r.Body).Decode(&in)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil || r.PathValue("token") != m.incoming || os.Getenv("HUB_INCOMING_RATE_LIMIT") != "0" {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	seventh := bytes.HasPrefix([]byte(in.Text), []byte(contentMark+"7 "))
	if !seventh || m.fault != faultDrop {
		m.messages = append(m.messages, in.Text)
	}
	if seventh && m.fault == faultDouble {
		m.messages = append(m.messages, in.Text)
	}
	reply(w, http.StatusOK, map[string]any{"success": true})
}

// getMessages pages from the newest to the oldest; the cursor is the number of messages still to come.
func (m *imitation) getMessages(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	const page = 10
	end := len(m.messages)
	if cursor := r.FormValue("cursor"); cursor != "" {
		end, _ = strconv.Atoi(cursor)
	}
	start := max(0, end-page)
	var answer struct {
		Items      []map[string]string `json:"items"`
		NextCursor *string             `json:"nextCursor"`
	}
	for i := end - 1; i >= start; i-- {
		answer.Items = append(answer.Items, map[string]string{"content": m.messages[i]})
	}
	if start > 0 {
		next := strconv.Itoa(start)
		answer.NextCursor = &next
	}
	reply(w, http.StatusOK, answer)
}
