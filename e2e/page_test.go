package e2e

import (
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	api "github.com/nself-chat/hub/client"
)

// pictures serves one picture at every path, over TLS.
func pictures(t *testing.T) *httptest.Server {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for i := range m.Pix {
			m.Pix[i] = []byte{40, 160, 90, 255}[i%4]
		}
		m.Set(0, 0, color.White)
		_ = png.Encode(w, m)
	}))
	t.Cleanup(s.Close)
	return s
}

// TestPage opens the console in a browser by the one-time link, and watches
// what happens in the hub happen on the page.
func TestPage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	p := newProcess(t)
	p.addr = freeAddr(t)
	p.start()
	general := p.general()
	in := p.incoming(map[string]any{"name": "Deploys", "targetChannelId": general})
	ops := result(p.api().CreateChannel(t.Context(), api.NewChannel{Name: "ops", Topic: "What runs, and what does not"})).must(p)
	p.say(general, "Here before the page was opened")

	b.do(chromedp.Navigate(p.loginURL()))
	b.do(chromedp.Click(chromedp.CSS("form button[type=submit]")))
	b.shows("Here before the page was opened")
	for _, name := range []string{"general", "ops", "notices"} {
		b.shows(name)
	}
	eval[bool](b, `window.neverReloaded = true`)

	id := appears(t, b, p, in)
	changes(t, b, p, id)
	harmless(t, b, p, in)
	composes(t, b, p, general)
	if got := b.complaints(); len(got) != 0 {
		t.Errorf("the browser complains: %q", got)
	}
	b.picture("light")
	b.scheme("dark")
	b.picture("dark")
	b.scheme("light")
	p.say(general, strings.Repeat("unbroken", 30)+" https://example.com/"+strings.Repeat("path/", 30))
	p.say(general, "```\n"+strings.Repeat("wide code ", 30)+"\n```\n\n| "+strings.Repeat("wide | ", 20)+"\n"+strings.Repeat("|---", 21)+"|\n| "+strings.Repeat("cell | ", 20))
	b.shows("wide code")
	narrow(t, b, ops.ID)
	reconnects(t, b, p, general)
	if !eval[bool](b, `window.neverReloaded === true`) {
		t.Error("the page was reloaded")
	}
	noticesViolations(t, b)

	seamless(t, b, p, ops.ID)
	b.do(chromedp.Click(chromedp.CSS(`form[action="/logout"] button`)))
	b.shows("hub login")
	p.stop()
	p.verify()
}

// count is how many messages on the page have a text.
func count(b *browser, text string) int {
	quoted, err := json.Marshal(text)
	if err != nil {
		b.t.Fatal(err)
	}
	return eval[int](b, `[...document.querySelectorAll("[data-message] .markdown")].filter((e) => e.innerText.trim() === `+string(quoted)+`).length`)
}

// appears posts with the guide's curl; the message comes with its name and
// picture and without a reload.
func appears(t *testing.T, b *browser, p *process, in hook) (messageID string) {
	t.Helper()
	body := strings.ReplaceAll(guideCurl, "https://example.com", pictures(t).URL)
	var ok posted
	if err := json.Unmarshal(p.curl(in.Token, body).Body, &ok); err != nil {
		t.Fatal(err)
	}
	b.shows("Hello from external service!")
	b.shows("External Bot")
	eventually(t, "the picture of its author", func() bool {
		return eval[int](b, `document.querySelector("#m-`+ok.MessageID+` .avatar img")?.naturalWidth ?? 0`) == 32
	})
	return ok.MessageID
}

// changes edits, reacts to and deletes a message.
func changes(t *testing.T, b *browser, p *process, id string) {
	t.Helper()
	p.edit(id, "It was **edited**")
	b.shows("It was edited")
	if n := count(b, "Hello from external service!"); n != 0 {
		t.Errorf("the old text is there %d times", n)
	}
	if !eval[bool](b, `document.querySelector("#m-`+id+` strong")?.innerText === "edited"`) {
		t.Error("Markdown is not rendered")
	}
	p.ok(p.api().React(t.Context(), id, "🎉"))
	b.shows("🎉")
	_, err := p.api().PostMessage(t.Context(), p.general(), api.NewMessage{Content: "An answer", ThreadID: id})
	p.ok(err)
	b.shows("1 reply")
	p.ok(p.api().DeleteMessage(t.Context(), id))
	eventually(t, "the deletion on the page", func() bool { return count(b, "It was edited") == 0 })
}

// harmless posts what would run in a careless page.
func harmless(t *testing.T, b *browser, p *process, in hook) {
	t.Helper()
	for _, text := range []string{
		`<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"><svg onload="window.hacked = 1">`,
		"[click](javascript:window.hacked=1) ![x](javascript:window.hacked=1) <javascript:window.hacked=1>",
		"`</code><script>window.hacked = 1</script>`",
		"![beacon](http://127.0.0.1:9/beacon.png)",
	} {
		body, err := json.Marshal(map[string]any{
			"content": text, "username": `"><script>window.hacked=1</script>`, "avatarUrl": "http://127.0.0.1:9/avatar.png",
			"embeds": []any{map[string]any{"title": text, "description": text, "url": "javascript:window.hacked=1", "footer": map[string]any{"text": text}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if a := p.curl(in.Token, string(body)); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	p.curl(in.Token, `{"content":"After the attacks"}`)
	b.shows("After the attacks")
	if eval[bool](b, `window.hacked !== undefined`) {
		t.Error("a message ran a script")
	}
	if n := eval[int](b, `document.querySelectorAll('[data-message] script, a[href^="javascript:"], [onerror], [onload]').length`); n != 0 {
		t.Errorf("%d dangerous elements on the page", n)
	}
}

// composes posts from the page.
func composes(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "Written in the browser\r"))
	b.shows("Written in the browser")
	eventually(t, "the composer to be empty", func() bool { return eval[string](b, `document.querySelector("#composer textarea").value`) == "" })
	if n := count(b, "Written in the browser"); n != 1 {
		t.Errorf("the message is on the page %d times", n)
	}
	if got := p.newest(general)[0]; got.Content != "Written in the browser" || got.Author.Username != "owner" {
		t.Errorf("the message in the hub: %+v", got)
	}
}

// narrow makes the window as small as a phone.
func narrow(t *testing.T, b *browser, opsID string) {
	t.Helper()
	b.do(chromedp.EmulateViewport(380, 700))
	if width := eval[int](b, `document.documentElement.scrollWidth`); width > 380 {
		t.Errorf("at 380 px the page is %d px wide", width)
	}
	for _, part := range []string{"#composer", "#composer button", "header.bar", "#messages", ".markdown", ".markdown > p", ".embed"} {
		if n := eval[int](b, `[...document.querySelectorAll("`+part+`")].filter((e) => e.getBoundingClientRect().right > 380).length`); n != 0 {
			t.Errorf("at 380 px %d of %s stick out", n, part)
		}
	}
	link := `a[href="/channels/` + opsID + `"]`
	if eval[bool](b, `document.querySelector('`+link+`').checkVisibility()`) {
		t.Error("the list of channels covers a narrow page")
	}
	b.picture("narrow")
	b.do(chromedp.Click(chromedp.CSS("button.menu")), chromedp.WaitVisible(chromedp.CSS(link)))
	b.picture("narrow-menu")
	b.do(chromedp.KeyEvent("\u001b"), chromedp.EmulateViewport(1100, 800))
}

// reconnects starts the hub again while the page is open.
func reconnects(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	p.say(general, "Before the restart")
	b.shows("Before the restart")
	if got := b.complaints(); len(got) != 0 {
		t.Errorf("the browser complains: %q", got)
	}
	p.kill()
	eventually(t, "the page to notice", func() bool { return eval[string](b, `document.getElementById("connection").innerText`) != "" })
	p.start()
	for _, text := range []string{"Meanwhile one", "Meanwhile two"} {
		p.say(general, text)
	}
	m := p.say(general, "Meanwhile three")
	p.edit(m.ID, "Meanwhile, the third")
	texts := []string{"Before the restart", "Meanwhile one", "Meanwhile two", "Meanwhile, the third"}
	for _, text := range texts {
		b.shows(text)
	}
	eventually(t, "the connection's notice to go", func() bool { return eval[string](b, `document.getElementById("connection").innerText`) == "" })
	p.say(general, "After all")
	b.shows("After all")
	for _, text := range append(texts, "After all", "Written in the browser") {
		if n := count(b, text); n != 1 {
			t.Errorf("%q is on the page %d times", text, n)
		}
	}
	if n := count(b, "Meanwhile three"); n != 0 {
		t.Error("the text before the edit is on the page")
	}
	if !eval[bool](b, `(() => { const ids = [...document.querySelectorAll("[data-message]")].map((e) => e.dataset.message);
		return ids.every((id, i) => i === 0 || ids[i - 1] < id); })()`) {
		t.Error("the messages are not in order")
	}
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "net::ERR_") { // the browser's words for a hub that is not there
			t.Errorf("the browser complains: %q", complaint)
		}
	}
	b.forget()
}

// seamless opens a channel whose stream begins late: what is posted after the
// page was made and before the stream was there is on the page as well.
func seamless(t *testing.T, b *browser, p *process, opsID string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	paused := chromedp.Events(ctx, fetch.RequestPaused)
	_, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*/api/events/stream*"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(p.url + "/channels/" + opsID))
	b.shows("What runs, and what does not")
	for request, err := range paused {
		if err != nil {
			t.Fatal(err)
		}
		p.say(opsID, "Between the page and its stream")
		if _, err := chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: request.RequestID}); err != nil {
			t.Fatal(err)
		}
		break
	}
	b.shows("Between the page and its stream")
	if _, err := chromedp.Call(ctx, fetch.Disable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
}

// noticesViolations shows that a page which breaks the policy would be seen.
func noticesViolations(t *testing.T, b *browser) {
	t.Helper()
	b.forget()
	eval[bool](b, `document.head.appendChild(Object.assign(document.createElement("script"), {textContent: "1"})) !== null`)
	eventually(t, "the complaint about an inline script", func() bool { return len(b.complaints()) > 0 })
	b.forget()
}
