package console

import (
	"bytes"
	"encoding/xml"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/nself-chat/hub"
)

// fullMessage has everything that a message can show.
func fullMessage() hub.Message {
	return hub.Message{
		ID: messageID(7), ChannelID: "general", CreatedAt: noon, EditedAt: noon, IsPinned: true, ReplyCount: 2,
		Author:  hub.Author{ID: "hook", Kind: hub.UserWebhook, Username: "ci", DisplayName: "Build <server>", AvatarURL: "https://example.org/a.png"},
		Content: "**done**",
		Embeds: []hub.Embed{{
			Title: "Build", URL: "https://example.org/1", Description: "*ok*", Color: "#00ff7F", AuthorName: "repo", ImageURL: "https://example.org/i.png",
			ThumbURL: "https://example.org/t.png", Footer: "CI", Timestamp: "2026-02-01T12:00:00Z",
			Fields: []hub.EmbedField{{Name: "Branch", Value: "`main`", Inline: true}, {Name: "Took", Value: "3 s"}},
		}},
		Files: []hub.Attachment{
			{ID: "f1", Filename: "plan.pdf", MimeType: "application/pdf", Size: 1536, Hash: "aa"},
			{ID: "f2", Filename: "cat.png", MimeType: "image/png", Size: 10, Hash: "bb", Width: 640, Height: 480},
			{ID: "f3", Filename: "elsewhere", MimeType: "text/html", URL: "javascript:alert(1)"},
		},
		Reactions: []hub.Reaction{{Emoji: "👍", Count: 3}, {Emoji: "👎", Count: 0}},
	}
}

func someSidebar() sidebarView {
	return sidebarView{
		Username: "ann",
		Channels: []channelLink{{ID: "general", Name: "general", Current: true}, {ID: "staff", Name: "staff", Private: true}},
		Archived: []channelLink{{ID: "old", Name: "old", Archived: true}},
	}
}

func someChannel() channelView {
	full := fullMessage()
	deleted := hub.Message{ID: messageID(8), ChannelID: "general", CreatedAt: noon, IsDeleted: true, Author: hub.Author{Username: "bob"}}
	return channelView{
		Title: "#general", Sidebar: someSidebar(), Channel: channelLink{ID: "general", Name: "general", Topic: "Everything"},
		List: listView{
			Messages: viewer{canWrite: true}.messages([]hub.Message{full, deleted}),
			Older:    "/channels/general?before=x", OlderFragment: "/fragments/channels/general/messages?before=x",
		},
		Live: true, LastEvent: 42, Fragments: "/fragments/channels/general/messages", CanWrite: true,
		Placeholder: "Message #general", Key: "key-1",
	}
}

func someWebhook() hub.IncomingWebhook {
	return hub.IncomingWebhook{
		ID: "hook", Name: "Alerts <all>", ChannelID: "general", Enabled: true, LastUsedAt: noon, CallCount: 12, RefusedCount: 3, UpdatedAt: noon,
		SealedHMAC: "sealed", AllowIPs: []string{"192.0.2.0/24", "198.51.100.7"}, ExpiresAt: noon.AddDate(100, 0, 0), RateLimit: 5, AllowMentions: true,
		KeyTemplate: "{/id}", FieldMap: `{"title":"/alert/name"}`,
	}
}

func someCall() hub.Call {
	return hub.Call{
		ID: "call", IncomingID: "hook", Verdict: "accepted", Reason: "Shown in another way: card.", Dialect: "card", RecognisedBy: "any other JSON",
		Headers: map[string]string{"Content-Type": "application/json", "X-Acme-Event": "alert<1>"}, Query: "wait=true", RemoteIP: "192.0.2.1", Status: 200,
		Answer: `{"success":true}`, Body: []byte(`{"alert":{"name":"<script>","a/b":[1.50,true,null]},"inner":"{\"x\":1}"}`), BodySize: 80,
		MessageID: messageID(7), Duration: 1234567, CreatedAt: noon,
	}
}

func someWebhooks() webhooksView {
	full, bare, expired := someWebhook(), hub.IncomingWebhook{Name: "bare"}, hub.IncomingWebhook{Name: "old", Enabled: true, ExpiresAt: noon}
	channels := map[hub.ChannelID]channelLink{"general": {ID: "general", Name: "general"}}
	p := webhooksView{Sidebar: someSidebar()}
	for _, h := range []hub.IncomingWebhook{full, bare, expired} {
		p.Webhooks = append(p.Webhooks, webhookOf(&h, channels, noon))
	}
	return p
}

func someWebhookPage() webhookPageView {
	h, call := someWebhook(), someCall()
	refused := hub.Call{ID: "refused", Verdict: "bad_signature", Status: 401, CreatedAt: noon}
	return webhookPageView{
		Sidebar: someSidebar(), Webhook: someWebhooks().Webhooks[0], Facts: factsOf(&h),
		Dialects: []dialectView{{"/uptime-kuma", "Uptime Kuma"}},
		Log:      []callRow{rowOf(&call, &h, map[string]string{"card": "unknown sender"}), rowOf(&refused, &h, nil)}, Older: "/incoming-webhooks/hook?before=x",
	}
}

func someCallPage() callPageView {
	h, call := someWebhook(), someCall()
	m := viewer{}.message(new(fullMessage()))
	return callPageView{
		Sidebar: someSidebar(), Title: "Call of Alerts", Webhook: "/incoming-webhooks/hook", Verdict: verdictOf(call.Verdict), Reason: reasonOf(&call),
		Facts: callFacts(&call, nil), Time: secondOf(noon), Replay: "/incoming-webhooks/hook/calls/call/replay", HasBody: true, Size: "1 B",
		Body: payloadOf(call.Body, "application/json"), Headers: headersOf(&call), Answer: call.Answer, Message: &m, Mapping: mappingOf(&h, &call),
	}
}

// pages are templates with typed data, what they must say and what not.
func pages() map[string]struct {
	page    templ.Component
	want    []string
	wantNot []string
} {
	archived, readOnly, failed, thread, empty, past := someChannel(), someChannel(), someChannel(), someChannel(), someChannel(), someChannel()
	archived.Channel.Archived = true
	readOnly.CanWrite = false
	failed.Draft, failed.Error = "my <text>", "At most 16000 characters."
	thread.Thread, thread.Root = true, messageID(7)
	empty.List = listView{Empty: textNoMessages, EmptyHelp: textNoMessagesHelp}
	past.Live, past.List.Newest = false, "/channels/general"
	refusedCall, badMapping, previewed := someCallPage(), someCallPage(), someCallPage()
	refusedCall.HasBody, refusedCall.NoBody, refusedCall.Replay, refusedCall.Message, refusedCall.MessageNote = false, textNoBody, "", nil, textNoMessage
	badMapping.Mapping.Fields[1].Error, badMapping.Mapping.Error, badMapping.Mapping.Note = "has a brace", "Fields are wrong.", textMappingUnused
	previewed.Message, previewed.Mapping.Saved = nil, true
	previewed.Mapping.Preview = previewOf(&hub.Reading{
		RecognisedBy: "the mapping", Key: "map:7", Thread: "t", Message: hub.Message{Content: "**seen**"}, Losses: []hub.Loss{{Kind: "poll", Done: "asText", Count: 2}},
		Remarks: "The field mapping has nothing that can be shown for: link.",
	})
	noWebhooks, lastCalls, noCalls := webhooksView{}, someWebhookPage(), webhookPageView{}
	lastCalls.Older, lastCalls.Newest = "", "/incoming-webhooks/hook"
	crowded := someSidebar()
	crowded.Manages = true
	crowded.ArchivedOpen = true
	type page = struct {
		page    templ.Component
		want    []string
		wantNot []string
	}
	return map[string]page{
		"channel": {channelPage(someChannel()), []string{
			`<title>#general · nself-chat hub</title>`, `aria-current="page"`, `data-after="42"`, `data-channel="general"`,
			`data-thread=""`, `id="m-` + string(messageID(7)) + `"`, `Build &lt;server&gt;`, `<span class="badge">webhook</span>`,
			`<time datetime="2026-02-01T12:00:00Z">1 Feb 2026, 12:00 UTC</time>`, `<strong>done</strong>`, `fill="#00ff7f"`,
			`<a href="https://example.org/1" rel="noopener nofollow" target="_blank">Build</a>`, `href="/api/files/f1"`, `1.5 KiB`,
			`src="/api/files/f2"`, `width="640"`, `👍`, `2 replies`, `href="/channels/general/threads/` + string(messageID(7)) + `"`,
			textDeleted, `(edited)`, `pinned`, `name="key" value="key-1"`, textLoadOlder, `aria-label="private"`, textArchived, `Everything`,
			`action="/channels/general/messages"`, `data-fragment="/fragments/channels/general/messages"`, `method="post" action="/logout"`,
		}, []string{"👎", "javascript:", `<b>&lt;server`, textBackToChannel}},
		"archived":  {channelPage(archived), []string{textArchivedNote}, []string{"<textarea"}},
		"read only": {channelPage(readOnly), []string{textReadOnly}, []string{"<textarea"}},
		"failed post": {channelPage(failed), []string{
			`>my &lt;text&gt;</textarea>`, `role="alert" id="error">At most 16000 characters.</p>`,
		}, nil},
		"thread":     {channelPage(thread), []string{textThread, textBackToChannel, `data-thread="` + string(messageID(7)) + `"`, `name="thread" value="` + string(messageID(7)) + `"`}, []string{"Everything"}},
		"empty":      {channelPage(empty), []string{`<ol id="items"></ol>`, textNoMessages, textNoMessagesHelp}, []string{textLoadOlder}},
		"older page": {channelPage(past), []string{textOlderPage, `href="/channels/general">` + textNewest}, []string{"data-after"}},
		"list":       {messageList(someChannel().List), []string{`id="older"`, textDeleted}, []string{"<html"}},
		"message":    {message(viewer{}.message(new(fullMessage()))), []string{`data-message="` + string(messageID(7)) + `"`}, []string{"<html"}},
		"avatar":     {avatar(avatarView{Initials: "AL", Color: "color-3"}), []string{"AL", "color-3"}, []string{"<img"}},
		"webhooks": {webhooksPage(someWebhooks()), []string{
			`<a href="/incoming-webhooks/hook">Alerts &lt;all&gt;</a>`, `href="/channels/general"`, `<span class="state good">enabled</span>`,
			`<span class="state bad">disabled</span>`, `<span class="state bad">expired</span>`, `<time datetime="2026-02-01T12:00:00Z">`, textNever, textNoChannel, `>12</td>`, `>3</td>`,
		}, []string{textNoWebhooks}},
		"no webhooks": {webhooksPage(noWebhooks), []string{textNoWebhooks, "<code>hub webhook incoming create NAME --channel CHANNEL</code>", `href="/docs"`}, []string{"<table"}},
		"webhook": {webhookPage(someWebhookPage()), []string{
			"12, 3 of them refused", textSigned, "192.0.2.0/24, 198.51.100.7", "5 per address", textMentionsWork, `<dt>Expires</dt><dd><time datetime="2126-02-01T12:00:00Z">`, `<code>/uptime-kuma</code> Uptime Kuma`,
			"<code>hub webhook incoming rotate NAME</code>", `href="/incoming-webhooks/hook/calls/call"`, `data-format="seconds">1 Feb 2026, 12:00:00 UTC`, "unknown sender", "any other JSON",
			`<span class="state bad">bad signature</span>`, `<a href="/incoming-webhooks/hook/calls/call#message">Message</a>`, textNotRecognised, textLoadOlder,
		}, []string{textNoCalls, textNewest}},
		"webhook, last page": {webhookPage(lastCalls), []string{textNewest}, []string{textLoadOlder}},
		"webhook, no calls":  {webhookPage(noCalls), []string{textNoCalls}, []string{"<table"}},
		"call": {callPage(someCallPage()), []string{
			`<span class="state good">accepted</span>`, "Shown in another way: card.", `action="/incoming-webhooks/hook/calls/call/replay"`, "200 OK", "192.0.2.1", "1.235ms",
			`<li data-step="alert">`, `<li data-step="a/b">`, `<li data-step="0">`, `<span class="value number">1.50</span>`, `<span class="value string">&#34;&lt;script&gt;&#34;</span>`,
			textPacked, `<dt>X-Acme-Event</dt><dd>alert&lt;1&gt;</dd>`, "wait=true", `{&#34;success&#34;:true}`, `id="m-` + string(messageID(7)) + `"`, `id="message"`,
			`action="/incoming-webhooks/hook/calls/call/mapping#mapping"`, `name="title" value="/alert/name"`, `name="keyTemplate" value="{/id}"`, textMapText,
		}, []string{textNoBody, textMappingUnused, textPreviewed, textSaved}},
		"call, refused":  {callPage(refusedCall), []string{textNoBody, textNoMessage}, []string{`action="/incoming-webhooks`, "<textarea"}},
		"call, wrong":    {callPage(badMapping), []string{`<span class="error">has a brace</span>`, "Fields are wrong.", textMappingUnused}, nil},
		"call, preview":  {callPage(previewed), []string{textSaved, textPreviewed, "<strong>seen</strong>", "the mapping", "map:7", "2 × poll, asText", "can be shown for: link."}, nil},
		"body, text":     {body(payload{Text: "just <text>"}), []string{"just &lt;text&gt;"}, []string{"<ul"}},
		"value":          {value(node{Open: "[", Close: "]"}), []string{"[", "]"}, []string{"<ul"}},
		"mapping":        {mapping(mappingView{Fields: mappingFields}), []string{textMapTitleHelp}, []string{textSaved}},
		"management":     {managePage("Heading", crowded, ""), []string{textManage, `class="skip" href="#content"`, `id="content"`, `<span class="name" title="Heading">`, `href="/incoming-webhooks"`}, []string{`class="back"`}},
		"menu":           {menuButton(), []string{"popovertarget"}, nil},
		"back":           {backLink("/x", "Back"), []string{`href="/x"`}, nil},
		"log":            {callLog(nil), []string{textVerdict}, nil},
		"facts":          {facts([]fact{{Term: "a", Text: "<b>"}, {Term: "c", Time: timeOf(noon)}}), []string{"<dt>a</dt><dd>&lt;b&gt;</dd>", `<dt>c</dt><dd><time datetime="2026-02-01T12:00:00Z">`}, nil},
		"channel name":   {channelName(channelLink{}), []string{textNoChannel}, []string{"<a"}},
		"reason":         {reason(reasonView{Text: "Replay of call", Call: "7", CallURL: "/calls/7", Rest: "."}), []string{`Replay of call <a href="/calls/7">7</a>.`}, nil},
		"made elsewhere": {makeWith("hub x"), []string{"<code>hub x</code>"}, nil},
		"state":          {state("fine", true), []string{`class="state good"`}, nil},
		"composer":       {composer(someChannel()), []string{`<p class="hint" id="hint" hidden>`, `dir="auto"`}, nil},
		"sidebar":        {sidebar(crowded), []string{"<details open"}, nil},
		"links":          {channelLinks(someSidebar().Channels), []string{"general"}, nil},
		"mark":           {channelMark(channelLink{}), []string{"#"}, []string{"private"}},
		"time":           {timestamp(timeOf(noon)), []string{"2026-02-01T12:00:00Z"}, nil},
		"logo":           {logo(), []string{"<svg"}, nil},
		"frame":          {layout("A <title>"), []string{"<title>A &lt;title&gt;</title>"}, nil},
		"plain":          {plain("One thing"), []string{"<h1>One thing</h1>"}, nil},
		"no channels":    {noChannelsPage(sidebarView{Username: "ann"}), []string{textNoChannels, "<code>hub channel create NAME</code>", `href="/docs"`}, nil},
		"signed out":     {signedOutPage(), []string{textNotSignedIn, "<code>hub login</code>"}, nil},
		"login":          {loginPage(`a"b`), []string{`name="code" value="a&#34;b"`, `method="post" action="/login"`}, nil},
		"login failed":   {loginFailedPage("It was used."), []string{"It was used.", "hub login"}, nil},
		"problem":        {problemPage("Oh", "What <happened>.", "req-7"), []string{"What &lt;happened&gt;.", "<code>req-7</code>"}, nil},
		"problem, known": {problemPage("Oh", "What happened.", ""), []string{"What happened."}, []string{textRequestID}},
	}
}

func TestPages(t *testing.T) {
	for name, p := range pages() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := p.page.Render(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			html := b.String()
			for _, want := range p.want {
				if !strings.Contains(html, want) {
					t.Errorf("lacks %q:\n%s", want, html)
				}
			}
			for _, not := range p.wantNot {
				if strings.Contains(html, not) {
					t.Errorf("has %q:\n%s", not, html)
				}
			}
			checkPolicy(t, html)
			checkNesting(t, html)
			checkNames(t, html)
		})
	}
}

// Every template is executed by TestPages: each is called in pages().
func TestEveryTemplateIsExecuted(t *testing.T) {
	files, err := filepath.Glob("*_templ.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	tested := callsIn(t, "pages_test.go", "pages")
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && !slices.Contains(tested, fn.Name.Name) {
				t.Errorf("%s: %s is not in pages()", file, fn.Name.Name)
			}
		}
	}
}

// callsIn returns the names of the functions that a function calls.
func callsIn(t *testing.T, file, function string) (names []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range parsed.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Name.Name != function {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if id, ok := call.Fun.(*ast.Ident); ok {
					names = append(names, id.Name)
				}
			}
			return true
		})
	}
	return names
}

var inlineExpr = regexp.MustCompile(`(?i)<style|<script>|<script [^>]*>[^<]|\sstyle=|\son[a-z]+=|javascript:`)

// checkPolicy finds what the Content-Security-Policy would refuse.
func checkPolicy(t *testing.T, html string) {
	t.Helper()
	if found := inlineExpr.FindString(html); found != "" {
		t.Errorf("the policy forbids %q", found)
	}
}

func TestCheckPolicy(t *testing.T) {
	for _, html := range []string{`<p style="x">`, `<a onclick="x">`, `<style>`, `<script>x</script>`, `<script src="x">y</script>`, `<a href="javascript:x">`} {
		if !inlineExpr.MatchString(html) {
			t.Errorf("%s passes", html)
		}
	}
}

// checkNesting finds elements that are not closed where they were opened.
func checkNesting(t *testing.T, html string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	d.Strict, d.AutoClose, d.Entity = false, append(xml.HTMLAutoClose, "path", "circle"), xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("malformed: %v\n%s", err, html)
			return
		}
	}
}

var idExpr = regexp.MustCompile(` id="([^"]*)"`)

// checkNames finds ids that occur twice.
func checkNames(t *testing.T, html string) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range idExpr.FindAllStringSubmatch(html, -1) {
		if seen[m[1]] {
			t.Errorf("id %q occurs twice", m[1])
		}
		seen[m[1]] = true
	}
}
