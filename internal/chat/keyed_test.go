package chat

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// about posts a text about a subject through the webhook, and returns the message.
func (w *world) about(t *testing.T, subject, text string, change func(*Post)) hub.Message {
	t.Helper()
	p := Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Content: text, Origin: hub.Origin{Kind: hub.OriginIncoming, ID: id("hook")},
		Keys: Keys{Webhook: hub.IncomingID(id("hook")), Subject: subject},
	}
	if change != nil {
		change(&p)
	}
	return must(w.Post(t.Context(), p))(t)
}

// id makes ids for tests.
func id(name string) string {
	return "019c1912-fa00-7000-8000-" + strings.Repeat("0", 12-len(name)) + hexOf(name)
}

func hexOf(name string) string {
	return strings.Map(func(r rune) rune { return rune("0123456789abcdef"[int(r)%16]) }, name)
}

// TestSubject: a later post about the same takes the place of the message, whose
// text goes into its thread.
func TestSubject(t *testing.T) {
	w := open(t)
	firing := w.about(t, "alert:1", "FIRING", nil)
	other := w.about(t, "alert:2", "FIRING, too", nil)
	w.clock.advance(time.Minute)
	now := w.about(t, "alert:1", "RESOLVED", nil)
	if now.ID != firing.ID || now.Content != "RESOLVED" || now.Revision != 2 || other.ID == firing.ID {
		t.Fatalf("the message is %+v", now)
	}
	same(t, "the message as read, but for its replies", must(w.Message(t.Context(), now.ID))(t).Content, "RESOLVED")
	thread := must(w.db.ThreadMessages(t.Context(), firing.ID, "", "", 10))(t)
	if len(thread) != 1 || thread[0].Content != "FIRING" || thread[0].Author.ID != w.hook.ID || !thread[0].CreatedAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("in the thread: %+v", thread)
	}
	want := []string{
		hub.EventMessageCreated, hub.EventMessageCreated, // of the two alerts
		hub.EventMessageUpdated, hub.EventMessageCreated, hub.EventThreadCreated,
	}
	same(t, "events", w.router.types(), want)
	if again := w.about(t, "alert:1", "RESOLVED", nil); again.Revision != 2 {
		t.Errorf("the same again made revision %d", again.Revision)
	}
	w.about(t, "alert:1", "FIRING", nil)
	thread = must(w.db.ThreadMessages(t.Context(), firing.ID, "", "", 10))(t)
	if len(thread) != 2 || thread[0].Content != "RESOLVED" {
		t.Errorf("in the thread: %+v", thread)
	}
	all := must(w.db.ChannelMessages(t.Context(), w.d.General, "", "", true, 10))(t)
	if len(all) != 2 {
		t.Errorf("%d messages in the channel, want one for each alert", len(all))
	}
	// What was deleted is not brought back: the next post begins anew.
	if err := w.Delete(t.Context(), firing.ID, Cause{By: w.hook.ID}); err != nil {
		t.Fatal(err)
	}
	if fresh := w.about(t, "alert:1", "FIRING", nil); fresh.ID == firing.ID || fresh.Revision != 1 {
		t.Errorf("after the deletion: %+v", fresh)
	}
}

// TestSubjectAtOnce: many posts about the same at the same time make one message.
func TestSubjectAtOnce(t *testing.T) {
	w := open(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { w.about(t, "build:1", strings.Repeat("x", i+1), nil) })
	}
	all.Wait()
	top := must(w.db.ChannelMessages(t.Context(), w.d.General, "", "", true, 10))(t)
	if len(top) != 1 || top[0].Revision != 20 || top[0].ReplyCount != 19 {
		t.Errorf("in the channel: %+v", top)
	}
	w.router.check(t)
}

// TestThreadWord: posts with the same word of the sender's are one thread.
func TestThreadWord(t *testing.T) {
	w := open(t)
	in := func(word string) func(*Post) { return func(p *Post) { p.Keys.Thread = word } }
	first := w.about(t, "", "deploy begins", in("deploy-7"))
	reply := w.about(t, "", "deploy goes on", in("deploy-7"))
	last := w.about(t, "", "deploy ends", in("deploy-7"))
	other := w.about(t, "", "another one", in(strings.Repeat("long", 1000)))
	if first.ThreadID != "" || reply.ThreadID != first.ID || last.ThreadID != first.ID || other.ThreadID != "" {
		t.Errorf("threads: %q, %q, %q, %q", first.ThreadID, reply.ThreadID, last.ThreadID, other.ThreadID)
	}
	if again := w.about(t, "", "and again", in(strings.Repeat("long", 1000))); again.ThreadID != other.ID {
		t.Errorf("a long word is not known again: %q", again.ThreadID)
	}
}

// TestDocument: a message keeps what content and embeds cannot say, and only that.
func TestDocument(t *testing.T) {
	w := open(t)
	plain := w.about(t, "", "", func(p *Post) {
		p.Document = markup.ParseMarkdown("a **b** and\n\n* c")
	})
	if plain.Content != "a **b** and\n\n- c" && plain.Content != "a **b** and\n\n* c" || plain.Document != nil {
		t.Errorf("kept %q and %s", plain.Content, plain.Document)
	}
	at := time.Date(2026, 2, 1, 13, 0, 0, 0, time.UTC)
	card := markup.Card{
		Color: "#ff0000", Title: []markup.Inline{markup.Text("Down")}, URL: "https://example.org/1",
		Blocks: []markup.Block{
			markup.Fields{Fields: []markup.Field{{Title: []markup.Inline{markup.Text("since")}, Value: []markup.Block{
				markup.Paragraph{Content: []markup.Inline{markup.Timestamp{Time: at}}},
			}}}},
			markup.Paragraph{Content: []markup.Inline{markup.Text("text behind the fields <script> @everyone")}},
		},
	}
	rich := w.about(t, "", "said by hand", func(p *Post) { p.Document = markup.Document{Blocks: []markup.Block{card}} })
	if rich.Content != "said by hand" || len(rich.Embeds) != 1 || rich.Embeds[0].Title != "Down" || rich.Document == nil {
		t.Fatalf("kept %+v", rich)
	}
	if strings.Contains(rich.Embeds[0].Description, "@everyone") {
		t.Error("a mention of everybody is not defused")
	}
	read := must(w.Message(t.Context(), rich.ID))(t)
	doc := markup.OfMessage(&read)
	found := false
	markup.Walk(doc, func(n markup.Node) bool {
		stamp, ok := n.(markup.Timestamp)
		found = found || ok && stamp.Time.Equal(at)
		return true
	})
	if !found {
		t.Errorf("the time is lost: %s", read.Document)
	}
	// An edit of the text alone takes the document along with what it said.
	text := "changed"
	edited := must(w.Edit(t.Context(), rich.ID, Edit{Content: &text}, Cause{By: w.hook.ID}))(t)
	if edited.Document != nil || edited.Content != text || len(edited.Embeds) != 1 {
		t.Errorf("after the edit: %+v", edited)
	}
	if read := must(w.Message(t.Context(), rich.ID))(t); read.Document != nil {
		t.Errorf("stored after the edit: %s", read.Document)
	}
}

// TestSubjectWithThread: what a post is about is remembered wherever it stands.
func TestSubjectWithThread(t *testing.T) {
	w := open(t)
	in := func(p *Post) { p.Keys.Thread = "release" }
	root := w.about(t, "", "release begins", in)
	first := w.about(t, "step:1", "step 1 runs", in)
	now := w.about(t, "step:1", "step 1 is done", in)
	if first.ThreadID != root.ID || now.ID != first.ID || now.Content != "step 1 is done" {
		t.Errorf("first %+v, then %+v", first, now)
	}
	// A word whose thread is gone begins a new one.
	gone := w.about(t, "", "x", func(p *Post) { p.Keys.Thread = "gone" })
	if err := w.Delete(t.Context(), gone.ID, Cause{By: w.hook.ID}); err != nil {
		t.Fatal(err)
	}
	if again := w.about(t, "", "y", func(p *Post) { p.Keys.Thread = "gone" }); again.ThreadID != "" {
		t.Errorf("a reply to what is gone: %+v", again)
	}
}

// TestFormerTextCallsNobody: what is said again in the thread addresses nobody, even
// if it was allowed to.
func TestFormerTextCallsNobody(t *testing.T) {
	w := open(t)
	first := w.about(t, "alert:1", "@channel fire", func(p *Post) { p.AllowMentions = true })
	w.about(t, "alert:1", "over", nil)
	thread := must(w.db.ThreadMessages(t.Context(), first.ID, "", "", 10))(t)
	if len(thread) != 1 || strings.Contains(thread[0].Content, "@channel") {
		t.Errorf("in the thread: %+v", thread)
	}
}

// TestSameFilesAgain: a picture that comes with every report is there once.
func TestSameFilesAgain(t *testing.T) {
	w := open(t)
	with := func(p *Post) { p.Remote = []hub.Attachment{{URL: "https://example.org/graph.png"}} }
	w.about(t, "alert:1", "FIRING", with)
	if again := w.about(t, "alert:1", "FIRING", with); again.Revision != 1 || len(again.Files) != 1 {
		t.Errorf("the same again: %+v", again)
	}
	if now := w.about(t, "alert:1", "RESOLVED", with); now.Revision != 2 || len(now.Files) != 1 {
		t.Errorf("then: %+v", now)
	}
}

// TestRefusalsOfKeyedPosts: what a keyed post is refused with is told as it is.
func TestRefusalsOfKeyedPosts(t *testing.T) {
	w := open(t)
	once := &hub.Idempotency{TokenID: "in:hook", Key: "k", RequestHash: "h"}
	first := w.about(t, "alert:1", "one", func(p *Post) { p.Once = once })
	w.about(t, "alert:1", "two", nil)
	if again := w.about(t, "alert:1", "one", func(p *Post) { p.Once = once }); again.ID != first.ID || again.Content != "two" {
		t.Errorf("a repetition: %+v", again)
	}
	_, err := w.Post(t.Context(), Post{
		ChannelID: w.d.General, Author: hub.Author{ID: w.hook.ID}, Content: "x", Keys: Keys{Webhook: hub.IncomingID(id("hook")), Subject: "alert:2"},
		Once: &hub.Idempotency{TokenID: "in:hook", Key: "k", RequestHash: "other"},
	})
	if hub.CodeOf(err) != hub.Conflict {
		t.Errorf("the key of another request: %v", err)
	}
}

// TestSameDocument: a database may write JSON in its own way.
func TestSameDocument(t *testing.T) {
	if !sameDocument([]byte(`{"a":1,"b":[2]}`), []byte(`{"b": [2], "a": 1}`)) || sameDocument([]byte(`{"a":1}`), nil) || !sameDocument(nil, nil) {
		t.Error("documents are compared by their bytes")
	}
}
