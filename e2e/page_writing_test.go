package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// shiftedClock is run before a page's script: the page's clock can be put forward,
// and what it does now and then it does soon.
const shiftedClock = `
	const RealDate = Date, realInterval = setInterval;
	window.shift = 0;
	Date = class extends RealDate {
		constructor(...given) { given.length ? super(...given) : super(RealDate.now() + window.shift); }
		static now() { return RealDate.now() + window.shift; }
	};
	setInterval = (f, delay) => realInterval(f, delay / 300);`

// TestPageWriting: what is written on a page is not lost, and a page that stays
// open stays right.
func TestPageWriting(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	p := newProcess(t)
	p.addr = freeAddr(t)
	p.start()
	general := p.general()
	root := p.say(general, "The oldest")
	for i := range 60 {
		p.say(general, fmt.Sprintf("Message %d", i))
	}
	if _, err := chromedp.Call(b.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: shiftedClock}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(p.loginURL()))
	b.do(chromedp.Click(chromedp.CSS("form button[type=submit]")))
	b.shows("Message 59")

	drafts(t, b, p, general, root.ID)
	olderPages(t, b, p, general, root.ID)
	mapsByKeyboard(t, b, p, general)
	midnight(t, b, p, general)
	longSidebar(t, b, p, general)
	failures(t, b, p, general)
	p.start()
	signedOut(t, b, p, general)
	p.stop()
}

const (
	box     = `document.querySelector("#composer textarea")`
	problem = `document.getElementById("error").innerText`
)

// has waits until an expression has a value, on this page or the one that it
// leads to.
func (b *browser) has(expression, want string) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("%s to be %q", expression, want), func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`String(`+expression+`)`))
		return err == nil && got == want
	})
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("main")))
}

// drafts: each list of messages keeps what is written for it until it is sent.
func drafts(t *testing.T, b *browser, p *process, general, root string) {
	t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "For the channel"))
	b.open(p.url + "/channels/" + general + "/threads/" + root)
	b.has(box+".value", "")
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "For the thread"))
	b.open(p.url + "/channels/" + general)
	b.has(box+".value", "For the channel")
	if !eval[bool](b, `document.getElementById("hint").checkVisibility()`) {
		t.Error("the hint about Enter is hidden")
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "\r"))
	b.has(box+".value", "")
	b.open(p.url + "/channels/" + general)
	b.has(box+".value", "")
	b.open(p.url + "/channels/" + general + "/threads/" + root)
	b.has(box+".value", "For the thread")
}

// olderPages: the link to a message that is no more on the first page leads to it,
// and a page of older messages sends, too.
func olderPages(t *testing.T, b *browser, p *process, general, root string) {
	t.Helper()
	b.open(p.url + "/channels/" + general)
	b.do(chromedp.Click(chromedp.CSS("#older")))
	b.do(chromedp.WaitVisible(chromedp.CSS("#m-" + root)))
	b.do(chromedp.Click(chromedp.CSS("#m-" + root + " .when")))
	b.has(`document.body.innerText.includes("You are reading older messages.")`, "true")
	const inView = `(() => { const list = document.getElementById("messages").getBoundingClientRect(), m = document.querySelector(":target").getBoundingClientRect();
		return m.top > list.top - 1 && m.bottom < list.bottom + 1; })()`
	b.has(inView, "true")
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "Sent from an older page\r"))
	b.has(`document.getElementById("messages").dataset.after !== undefined`, "true")
	b.shows("Sent from an older page")
	b.has(box+".value", "")
}

// mapsByKeyboard picks a value of a call for its field mapping, and tries it.
func mapsByKeyboard(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	in := p.incoming(map[string]any{"name": "Odd sender", "targetChannelId": general})
	if a := p.curl(in.Token, `{"odd":{"name":"Disk full","list":[`+strings.Repeat("1,", 99)+`1]}}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	b.open(p.url + "/incoming-webhooks/" + in.ID)
	b.do(chromedp.Click(chromedp.CSS("tbody td.main a")))
	b.do(chromedp.WaitVisible(chromedp.CSS("form.mapping")))
	eval[bool](b, `document.querySelector(".value").focus() === undefined`)
	b.do(chromedp.KeyEvent("\r"))
	b.has(`document.querySelector("#map-title").value`, "/odd/name")
	b.has(`document.activeElement.id`, "map-title")
	call := eval[string](b, `location.href`)

	// What is typed survives a look at another page.
	b.open(p.url + "/incoming-webhooks")
	eval[bool](b, `history.back() === undefined`)
	b.has(`document.querySelector("#map-title")?.value`, "/odd/name")
	b.open(call)
	b.do(chromedp.SendKeys(chromedp.CSS("#map-title"), "/odd/name"))
	const seen = `(() => { const at = document.querySelector("#preview")?.getBoundingClientRect(); return at && at.top >= 0 && at.top < innerHeight; })()`
	b.do(chromedp.Click(chromedp.CSS(`button[value="preview"]`)))
	b.has(`document.querySelector(".preview .embed-title, .preview .markdown")?.innerText.includes("Disk full")`, "true")
	b.has(seen, "true")
	eval[string](b, `document.querySelector("#map-link").value = "{/odd"`)
	b.do(chromedp.Click(chromedp.CSS(`button[value="save"]`)))
	b.has(`document.activeElement.id + " " + document.activeElement.getAttribute("aria-invalid")`, "map-link true")
}

// midnight: what was said today was said yesterday tomorrow.
func midnight(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	b.open(p.url + "/channels/" + general)
	const times = `[...document.querySelectorAll(".when time")].every((e) => /\d{4}/.test(e.innerText))`
	b.has(times, "false")
	eval[float64](b, `window.shift = 24 * 3600 * 1000`)
	b.has(times, "true")
}

// longSidebar: among many channels the open one is in view, and so is what is
// below them.
func longSidebar(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	last := ""
	for i := range 40 {
		last = p.channel(fmt.Sprintf("room-%d", 100+i))
	}
	b.open(p.url + "/channels/" + last)
	const inside = `(e) => { const at = e.getBoundingClientRect(); return at.top >= 0 && at.bottom <= innerHeight; }`
	b.has(`[...document.querySelectorAll(".sidebar [aria-current], .sidebar footer, .sidebar a[href='/incoming-webhooks']")].every(`+inside+`)`, "true")
	if !eval[bool](b, `(() => { const e = document.querySelector(".sidebar .channels"); return e.scrollHeight > e.clientHeight; })()`) {
		t.Error("the list is not long enough")
	}
}

// failures: a hub that is away is told of in the page's words.
func failures(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	b.open(p.url + "/channels/" + general)
	p.kill()
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "Into the void\r"))
	b.has(problem, "The message could not be sent. It is still in the box; try again.")
	b.has(box+".value.trim()", "Into the void")
	// Nothing is sent of blanks, and the old error is not about them.
	eval[string](b, box+`.value = "  "`)
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "\r"))
	b.has(problem, "")
}

// signedOut: a page whose session has ended says so and keeps what is written.
func signedOut(t *testing.T, b *browser, p *process, general string) {
	t.Helper()
	b.open(p.url + "/channels/" + general)
	if _, err := chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal("You are signed out.")
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#composer textarea"), "Not lost\r"))
	b.has(problem+`.startsWith(`+string(want)+`)`, "true")
	b.do(chromedp.Click(chromedp.CSS("#older")))
	b.has(`document.getElementById("connection").innerText.startsWith(`+string(want)+`)`, "true")
	b.has(box+".value.trim()", "Not lost")
	b.picture("signed-out")
}
