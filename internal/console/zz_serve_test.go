package console

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

func TestZZServe(t *testing.T) {
	if os.Getenv("ZZ_SERVE") == "" {
		t.Skip()
	}
	s := newSite(t)
	s.chat.channels = []hub.Channel{
		{ID: "alerts", Name: "alerts", Type: hub.ChannelPublic},
		{ID: "empty", Name: "empty", Type: hub.ChannelPublic},
		{ID: "general", Name: "general", Type: hub.ChannelPublic, IsDefault: true, Topic: "Everything that concerns all of us: releases, holidays, and the coffee machine on the third floor"},
		{ID: "hub-notices", Name: "hub-notices", Type: hub.ChannelPrivate},
		{ID: "leadership", Name: "leadership", Type: hub.ChannelPrivate, Topic: "Private"},
		{ID: "old-project", Name: "old-project", Type: hub.ChannelPublic, IsArchived: true},
	}
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	for i := range 60 {
		s.chat.add(hub.Message{Content: fmt.Sprintf("Earlier message number %d", i), CreatedAt: ago(50 * time.Hour)})
	}
	bob := hub.Author{ID: "bob", Kind: hub.UserHuman, Username: "bob", DisplayName: "Bob Öztürk"}
	hook := hub.Author{ID: "hook", Kind: hub.UserWebhook, Username: "ci", DisplayName: "Build server"}
	bot := hub.Author{ID: "bot", Kind: hub.UserBot, Username: "standup", DisplayName: "Standup"}
	remote := hub.Author{ID: "rem", Kind: hub.UserRemote, Username: "carla", DisplayName: "Carla (Slack)", AvatarURL: "https://127.0.0.1:1/none.png"}
	s.chat.add(hub.Message{Content: "Good morning! The **release** is planned for *tonight*, see https://example.org/releases/1.4 and ping me with questions.", CreatedAt: ago(3 * time.Hour), ReplyCount: 3,
		Reactions: []hub.Reaction{{Emoji: "👍", Count: 4}, {Emoji: "🎉", Count: 1}}})
	s.chat.add(hub.Message{Author: bob, Content: "Checklist:\n\n1. tag\n2. build\n   - linux\n   - mac\n3. announce\n\n> do not forget the notes\n\n```go\nfunc main() {\n\tfmt.Println(\"a rather long line of code that will not fit into a narrow window without scrolling sideways\")\n}\n```", CreatedAt: ago(2 * time.Hour), EditedAt: ago(time.Hour), IsPinned: true})
	s.chat.add(hub.Message{Author: hook, CreatedAt: ago(90 * time.Minute), Content: "", Embeds: []hub.Embed{{
		Title: "Build #481 failed", URL: "https://ci.example.org/481", Description: "`make test` ended with **exit code 2** on `main`.", Color: "#d73a49", AuthorName: "nself-chat/hub",
		Fields: []hub.EmbedField{{Name: "Branch", Value: "main", Inline: true}, {Name: "Commit", Value: "[`4f2a9c1`](https://example.org)", Inline: true}, {Name: "Took", Value: "3 min 12 s", Inline: true}, {Name: "First failing test", Value: "TestEngineKeepsOrder"}},
		Footer: "CI", Timestamp: "2026-02-01T12:00:00Z",
	}}})
	s.chat.add(hub.Message{Author: hook, CreatedAt: ago(80 * time.Minute), Content: "Deployed to staging", Embeds: []hub.Embed{{Title: "All checks passed", Color: "#2da44e", Description: "12 of 12"}}})
	s.chat.add(hub.Message{Author: bot, CreatedAt: ago(70 * time.Minute), Content: "| Who | Yesterday | Today | Hours |\n|:--|:-:|:--|--:|\n| Ann | release notes | release | 7.5 |\n| Bob | queue | queue, and then some more of the queue | 8 |"})
	s.chat.add(hub.Message{Author: remote, CreatedAt: ago(40 * time.Minute), Content: "Here are the files. <script>alert(1)</script> [bad](javascript:alert(1))", Files: []hub.Attachment{
		{ID: "f1", Filename: "plan.pdf", MimeType: "application/pdf", Size: 1536000, Hash: "x"},
		{ID: "f2", Filename: "a very long file name that goes on and on and on, as those from scanners do, 2026-02-01.zip", MimeType: "application/zip", Size: 900, Hash: "y"},
	}})
	s.chat.add(hub.Message{Author: bob, IsDeleted: true, CreatedAt: ago(30 * time.Minute)})
	s.chat.add(hub.Message{Type: hub.MessageSystem, Author: hub.Author{ID: "hub", Kind: hub.UserBot, Username: "hub", DisplayName: "Hub"}, CreatedAt: ago(20 * time.Minute), Content: "The webhook **orders** has failed 10 times in a row; the breaker is open."})
	root := s.chat.add(hub.Message{Content: "Shall we have lunch at one?", CreatedAt: ago(10 * time.Minute), ReplyCount: 2})
	s.chat.add(hub.Message{Author: bob, ThreadID: root.ID, Content: "Yes", CreatedAt: ago(9 * time.Minute)})
	s.chat.add(hub.Message{Author: remote, ThreadID: root.ID, Content: "Me too :)", CreatedAt: ago(8 * time.Minute)})
	s.chat.add(hub.Message{Author: bob, Content: "loooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooong word, and last one.", CreatedAt: ago(time.Minute)})
	fmt.Println("root", root.ID)

	type ev struct{ name, data string }
	events := make(chan ev, 10)
	s.http.Mux().HandleFunc("GET /api/events/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 2000\n\n")
		w.(http.Flusher).Flush()
		n := 0
		for {
			select {
			case <-r.Context().Done():
				return
			case e := <-events:
				n++
				fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", n, e.name, e.data)
				w.(http.Flusher).Flush()
			}
		}
	})
	s.http.Mux().HandleFunc("GET /zz/say", func(w http.ResponseWriter, r *http.Request) {
		m := s.chat.add(hub.Message{Author: bob, Content: r.URL.Query().Get("text"), CreatedAt: time.Now(), ThreadID: hub.MessageID(r.URL.Query().Get("thread")), ID: hub.MessageID(fmt.Sprintf("019c18f0-0000-7000-8000-9%011d", time.Now().UnixMilli()%1e11))})
		events <- ev{"message.created", fmt.Sprintf(`{"data":{"messageId":%q,"channelId":"general","message":{"threadId":%q}}}`, m.ID, m.ThreadID)}
	})
	s.http.Mux().HandleFunc("GET /zz/in", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "hub_session", Value: "ann's", Path: "/"})
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusSeeOther)
	})
	srv := &http.Server{Addr: "127.0.0.1:18377", Handler: s.http}
	go func() { _ = srv.ListenAndServe() }()
	time.Sleep(20 * time.Minute)
}
