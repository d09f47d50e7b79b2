package ingress

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the tests' clock starts.
var noon = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// fakeStore answers from memory.
type fakeStore struct {
	now func() time.Time

	mu      sync.Mutex
	hooks   []hub.IncomingWebhook
	channel hub.Channel
	logged  map[hub.CallID]hub.Call
	calls   []hub.Call
	uses    []hub.IncomingWebhook
	finds   int
	err     error // of everything
	logErr  error
	onFind  func()
	before  hub.MessageID     // what PostedBefore finds
	used    map[string]string // hashes of requests by the keys that LogCall was given
	asked   int               // calls of Channel and PostedBefore
}

func (s *fakeStore) LogCall(_ context.Context, once *hub.Idempotency, _ *hub.Call, _ ...hub.MessageKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch hash, ok := s.used[once.Key]; {
	case s.err != nil:
		return s.err
	case ok && hash == once.RequestHash:
		return &hub.RepeatedError{}
	case ok:
		return hub.Errorf(hub.Conflict, "Used.")
	case s.used == nil:
		s.used = make(map[string]string)
	}
	s.used[once.Key] = once.RequestHash
	return nil
}

func (s *fakeStore) PostedBefore(context.Context, *hub.Idempotency) (hub.MessageID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.before, s.err
}

func (s *fakeStore) FindIncoming(_ context.Context, hash string) (hub.IncomingWebhook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finds++
	if s.err != nil {
		return hub.IncomingWebhook{}, s.err
	}
	now := s.now()
	for _, w := range s.hooks {
		present := w.TokenHash == hash || w.PreviousHash == hash && w.PreviousUntil.After(now)
		if present && w.Enabled && w.DeletedAt.IsZero() && (w.ExpiresAt.IsZero() || w.ExpiresAt.After(now)) {
			if s.onFind != nil {
				s.onFind()
			}
			return w, nil
		}
	}
	return hub.IncomingWebhook{}, hub.Errorf(hub.NotFound, "There is no such incoming webhook.")
}

func (s *fakeStore) IncomingByHash(_ context.Context, hash string) (hub.IncomingWebhook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.hooks {
		if w.TokenHash == hash || w.PreviousHash == hash {
			return w, nil
		}
	}
	return hub.IncomingWebhook{}, hub.Errorf(hub.NotFound, "There is no such incoming webhook.")
}

func (s *fakeStore) IncomingWebhook(_ context.Context, id hub.IncomingID) (hub.IncomingWebhook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.hooks {
		if w.ID == id {
			return w, nil
		}
	}
	return hub.IncomingWebhook{}, hub.Errorf(hub.NotFound, "There is no such incoming webhook.")
}

func (s *fakeStore) Call(_ context.Context, id hub.CallID) (hub.Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.logged[id]; ok {
		return c, nil
	}
	return hub.Call{}, hub.Errorf(hub.NotFound, "There is no such call.")
}

func (s *fakeStore) LogCalls(ctx context.Context, calls []hub.Call, uses []hub.IncomingWebhook) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.logErr != nil {
		return s.logErr
	}
	s.calls = append(s.calls, calls...)
	s.uses = append(s.uses, uses...)
	return nil
}

func (s *fakeStore) Channel(context.Context, hub.ChannelID) (hub.Channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.channel.ID == "" {
		return hub.Channel{}, hub.Errorf(hub.NotFound, "There is no such channel.")
	}
	return s.channel, nil
}

// fakeChat takes every post and change, or refuses each with err.
type fakeChat struct {
	ids hub.IDs
	now func() time.Time

	mu       sync.Mutex
	posts    []chat.Post
	messages map[hub.MessageID]hub.Message
	edits    []chat.Edit
	causes   []chat.Cause
	deleted  []hub.MessageID
	saved    []hub.FileID
	unsaved  []hub.FileID
	saveErr  error         // of the second file
	repeats  hub.MessageID // what every post turns out to repeat
	err      error
	onPost   func() // unlocked, before anything else
}

func (c *fakeChat) Post(_ context.Context, p chat.Post) (hub.Message, error) {
	if c.onPost != nil {
		c.onPost()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return hub.Message{}, c.err
	}
	if c.repeats != "" {
		return c.messages[c.repeats], nil
	}
	id := hub.MessageID(c.ids.New())
	if p.Call != nil {
		row := *p.Call
		p.Call.MessageID = id
		p.Call = &row
	}
	c.posts = append(c.posts, p)
	m := hub.Message{ID: id, ChannelID: p.ChannelID, Content: p.Content, Origin: p.Origin, CreatedAt: c.now()}
	c.messages[m.ID] = m
	return m, nil
}

func (c *fakeChat) Message(_ context.Context, id hub.MessageID) (hub.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.messages[id]; ok {
		return m, nil
	}
	return hub.Message{}, hub.Errorf(hub.NotFound, "There is no such message.")
}

func (c *fakeChat) Save(_ context.Context, u chat.Upload, by chat.Cause) (hub.Attachment, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saveErr != nil && len(c.saved) == 1 {
		return hub.Attachment{}, false, c.saveErr
	}
	content, err := io.ReadAll(u.Content)
	id := hub.FileID(c.ids.New())
	c.saved = append(c.saved, id)
	return hub.Attachment{ID: id, UserID: by.By, Filename: u.Filename, Size: int64(len(content))}, false, err
}

func (c *fakeChat) DeleteFile(ctx context.Context, id hub.FileID, by chat.Cause) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if by.By != "user" || by.Origin.ID != "hook" {
		return errors.New("not by the webhook")
	}
	c.unsaved = append(c.unsaved, id)
	return ctx.Err()
}

func (c *fakeChat) Edit(_ context.Context, id hub.MessageID, e chat.Edit, by chat.Cause) (hub.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return hub.Message{}, c.err
	}
	c.edits, c.causes = append(c.edits, e), append(c.causes, by)
	return c.messages[id], nil
}

func (c *fakeChat) Delete(_ context.Context, id hub.MessageID, by chat.Cause) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.deleted, c.causes = append(c.deleted, id), append(c.causes, by)
	return nil
}

// world is an Ingress on fakes, with one webhook whose token is "token".
type world struct {
	t     *testing.T
	store *fakeStore
	chat  *fakeChat
	in    *Ingress
	mux   *http.ServeMux

	mu  sync.Mutex
	at  time.Time
	log strings.Builder
}

const token = "tokentokentokentokentoken"

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func newWorld(t *testing.T, change ...func(*Options, *hub.IncomingWebhook)) *world {
	t.Helper()
	w := &world{t: t, at: noon}
	w.store = &fakeStore{now: w.now, channel: hub.Channel{ID: "channel"}, logged: make(map[hub.CallID]hub.Call)}
	w.chat = &fakeChat{now: w.now, messages: make(map[hub.MessageID]hub.Message)}
	o := Options{
		Store: w.store, Chat: w.chat, IDs: &hub.IDs{Now: w.now}, Now: w.now,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		OpenSecret: func(h *hub.IncomingWebhook) (secret.String, error) {
			key, ok := strings.CutPrefix(h.SealedHMAC, "sealed ")
			if !ok {
				return secret.String{}, errors.New("not sealed")
			}
			return secret.New(key), nil
		},
		RateLimit: 60,
	}
	hook := hub.IncomingWebhook{
		ID: "hook", Name: "Builds", ChannelID: "channel", UserID: "user", Enabled: true, TokenHash: secret.Hash(token), RateLimit: -1,
	}
	for _, c := range change {
		c(&o, &hook)
	}
	w.store.hooks = []hub.IncomingWebhook{hook}
	w.in = New(o)
	w.mux = http.NewServeMux()
	w.in.Mount(w.mux)
	return w
}

// do sends a request to the webhook with the token in path, or to a whole path.
func (w *world) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/api/webhooks/incoming/" + path
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.serve(r)
}

// doSigned sends a request with a signature of Standard Webhooks, made now.
func (w *world) doSigned(method, path, body, id, key string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.do(method, path, body, signedHeader(id, body, key, w.now())...)
}

// signedHeader are the headers of Standard Webhooks.
func signedHeader(id, body, key string, now time.Time) []string {
	stamp := strconv.FormatInt(now.Unix(), 10)
	return []string{
		"webhook-id", id, "webhook-timestamp", stamp,
		"webhook-signature", "v1," + base64Of(sign(standardKey(key), []byte(id+"."+stamp+"."+body))),
	}
}

func (w *world) serve(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec
}

// written returns the calls that were logged and the counts that were added.
func (w *world) written() (calls []hub.Call, uses []hub.IncomingWebhook) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return slices.Clone(w.store.calls), slices.Clone(w.store.uses)
}

// journal returns the calls that wait for the log, and forgets them.
func (w *world) journal() []hub.Call { return w.in.journal.drain(context.Background()) }

// verdicts are the verdicts of the waiting calls, joined.
func (w *world) verdicts() string {
	var out []string
	for _, c := range w.journal() {
		out = append(out, c.Verdict)
	}
	return strings.Join(out, " ")
}

func signed(h *hub.IncomingWebhook, key string) { h.SealedHMAC = "sealed " + key }

// endless is a body without end that counts what was read of it.
type endless struct {
	mu   sync.Mutex
	read int64
}

func (e *endless) Read(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range b {
		b[i] = ' '
	}
	e.read += int64(len(b))
	return len(b), nil
}

var _ io.Reader = (*endless)(nil)

// contentOf is the Markdown of a post, as the chat puts it together.
func contentOf(p *chat.Post) string {
	text, _ := markup.Cards(markup.Normal(p.Document))
	printed, _ := markup.PrintMarkdown(text)
	return strings.TrimSpace(p.Content + "\n\n" + printed)
}

// embedsOf are the cards of a post, as the chat makes them.
func embedsOf(p *chat.Post) []hub.Embed {
	_, cards := markup.Cards(markup.Normal(p.Document))
	embeds := slices.Clone(p.Embeds)
	for _, c := range cards {
		embeds = append(embeds, markup.CardEmbed(c))
	}
	return embeds
}
