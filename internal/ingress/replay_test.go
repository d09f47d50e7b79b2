package ingress

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
)

func TestReplay(t *testing.T) {
	for name, test := range map[string]struct {
		dialect, body, content string
	}{
		"slack":     {"slack", `{"text":"<https://a.example|b>"}`, "[b](https://a.example)"},
		"ours":      {"nself-chat", `{"content":"<https://a.example|b>"}`, "<https://a.example|b>"},
		"a form":    {"slack", "text=a+b&username=x", "a b"},
		"text":      {"nself-chat", "a + b", "a + b"},
		"forgotten": {"telegraph", `{"text":"x"}`, "x"},
		"multipart": {"nself-chat", "--X\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhi\r\n--X--\r\n", "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) { h.Enabled = false; signed(h, "k") })
			w.advance(time.Hour)
			w.store.logged["call"] = hub.Call{
				ID: "call", IncomingID: "hook", Verdict: "accepted", Dialect: test.dialect, Body: []byte(test.body),
				BodySize: int64(len(test.body)), CreatedAt: noon,
			}
			got, err := w.in.Replay(t.Context(), "call")
			if err != nil {
				t.Fatal(err)
			}
			p := w.chat.posts[0]
			if contentOf(&p) != test.content || p.ChannelID != "channel" || p.Once != nil || p.Origin.ID != "hook" || p.Trace == "" {
				t.Errorf("posted %+v", p)
			}
			if _, ok := w.chat.messages[got.MessageID]; !ok {
				t.Errorf("the new call names message %q", got.MessageID)
			}
			want := *p.Call
			want.MessageID = got.MessageID
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("returned is not what is logged (-logged +returned):\n%s", diff)
			}
			expected := hub.Call{
				IncomingID: "hook", Verdict: "accepted", Reason: "Replay of call call.", Dialect: test.dialect, Status: 200,
				Body: []byte(test.body), BodySize: int64(len(test.body)), CreatedAt: noon.Add(time.Hour),
			}
			if name == "forgotten" {
				expected.Dialect = "slack"
			}
			if diff := cmp.Diff(expected, got, cmpopts.IgnoreFields(hub.Call{}, "ID", "MessageID", "RecognisedBy", "Headers")); diff != "" {
				t.Errorf("new call (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	full := hub.Errorf(hub.StorageFull, "Full.")
	call := hub.Call{ID: "call", IncomingID: "hook", Body: []byte("x"), BodySize: 1}
	for name, test := range map[string]struct {
		change func(*world, *hub.Call)
		want   hub.Code
	}{
		"no body":      {func(_ *world, c *hub.Call) { c.Body = nil }, hub.Conflict},
		"nobody's":     {func(_ *world, c *hub.Call) { c.IncomingID = "" }, hub.Conflict},
		"cut":          {func(_ *world, c *hub.Call) { c.BodySize = maxLogged + 1 }, hub.Conflict},
		"unknown":      {func(_ *world, c *hub.Call) { c.ID = "other" }, hub.NotFound},
		"webhook gone": {func(_ *world, c *hub.Call) { c.IncomingID = "gone" }, hub.NotFound},
		"still bad":    {func(_ *world, c *hub.Call) { c.Body = []byte(`{"a":null}`) }, hub.Invalid},
		"disk full":    {func(w *world, _ *hub.Call) { w.in.Gate = func() error { return full } }, hub.StorageFull},
		"chat refuses": {func(w *world, _ *hub.Call) { w.chat.err = full }, hub.StorageFull},
		"channel is gone": {func(w *world, _ *hub.Call) {
			w.chat.err, w.store.channel = hub.Errorf(hub.NotFound, "N."), hub.Channel{}
		}, hub.NotFound},
	} {
		w := newWorld(t)
		c := call
		test.change(w, &c)
		w.store.logged[c.ID] = c
		if _, err := w.in.Replay(t.Context(), "call"); hub.CodeOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		if len(w.chat.posts) != 0 {
			t.Errorf("%s: posted", name)
		}
	}
}

// TestReplayOfChange: an edit replayed would be a new message.
func TestReplayOfChange(t *testing.T) {
	for _, verdict := range []string{"edited", "deleted"} {
		w := newWorld(t)
		w.store.logged["call"] = hub.Call{
			ID: "call", IncomingID: "hook", Verdict: verdict, Dialect: "nself-chat", Body: []byte(`{"content":"x"}`), BodySize: 15, CreatedAt: noon,
		}
		if _, err := w.in.Replay(t.Context(), "call"); hub.CodeOf(err) != hub.Conflict {
			t.Errorf("%s: %v", verdict, err)
		}
		if len(w.chat.posts) != 0 {
			t.Errorf("%s: posted %+v", verdict, w.chat.posts)
		}
	}
}

// TestReplayKeepsTheHeader: what the header says of a message is said again.
func TestReplayKeepsTheHeader(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		header []string
	}{
		"ntfy": {"The disk is full", []string{"Title", "Backup failed", "Tags", "warning", "Priority", "high", "Click", "https://a.example/x?sig=abc"}},
		"sns":  {`{"Type":"Notification","Message":"m","Subject":"s"}`, []string{"X-Amz-Sns-Message-Type", "Notification"}},
	} {
		w := newWorld(t)
		if rec := w.do("POST", token+"?key=k", test.body, test.header...); rec.Code != http.StatusOK {
			t.Fatalf("%s: answered %d %s", name, rec.Code, rec.Body)
		}
		logged := *w.chat.posts[0].Call
		if strings.Contains(logged.Headers["Click"], "abc") {
			t.Errorf("%s: logged %v", name, logged.Headers)
		}
		w.store.logged[logged.ID] = logged
		again, err := w.in.Replay(t.Context(), logged.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again.Dialect != logged.Dialect || again.Dialect != name {
			t.Errorf("%s: came as %s, replayed as %s", name, logged.Dialect, again.Dialect)
		}
		first, second := w.chat.posts[0], w.chat.posts[1]
		if second.Keys != first.Keys {
			t.Errorf("%s: replayed under %+v, was under %+v", name, second.Keys, first.Keys)
		}
		if a, b := embedsOf(&first), embedsOf(&second); len(a) != len(b) || len(a) > 0 && a[0].Title != b[0].Title {
			t.Errorf("%s: replayed %+v, was %+v", name, b, a)
		}
	}
}

// TestReplayOfLengthenedBody: masks moved the end of a short body out of what is kept.
func TestReplayOfLengthenedBody(t *testing.T) {
	for _, fields := range []int{3300, 5000} {
		w := newWorld(t)
		body := `{"content":"x"` + strings.Repeat(`,"token":"a" `, fields) + `}`
		kept := w.in.masker.mask("", []byte(body))
		if len(body) > maxLogged || len(kept) > maxLogged || json.Valid(kept) {
			t.Fatalf("%d bytes are kept of %d", len(kept), len(body))
		}
		w.store.logged["call"] = hub.Call{ID: "call", IncomingID: "hook", Verdict: "accepted", Body: kept, BodySize: int64(len(body)), CreatedAt: noon}
		if _, err := w.in.Replay(t.Context(), "call"); hub.CodeOf(err) != hub.Conflict || len(w.chat.posts) != 0 {
			t.Errorf("replayed %d bytes of %d: %v", len(kept), len(body), err)
		}
	}
}
