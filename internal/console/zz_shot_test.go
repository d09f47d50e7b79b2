package console

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestZZShot(t *testing.T) {
	if os.Getenv("ZZ_SHOT") == "" {
		t.Skip()
	}
	base := "http://127.0.0.1:18377"
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true))
	actx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(actx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cctx, ccancel := context.WithCancel(ctx)
	defer ccancel()
	messages := chromedp.Console(cctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			fmt.Println("CONSOLE", m, m.URL)
		}
	}()
	do := func(a chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	nap := func() { time.Sleep(500 * time.Millisecond) }
	js := func(code string) {
		t.Helper()
		do(chromedp.Evaluate[chromedp.Void](code))
		nap()
	}
	num := func(code string) float64 {
		t.Helper()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[float64](code))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	view := func(w, h int64, dark bool) {
		scheme := "light"
		if dark {
			scheme = "dark"
		}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
			t.Fatal(err)
		}
		do(chromedp.EmulateViewport(w, h))
	}
	os.MkdirAll("/tmp/shots", 0o755)
	shot := func(name string) {
		t.Helper()
		nap()
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/shots/"+name+".png", png, 0o644)
	}
	in := func(to string) { t.Helper(); do(chromedp.Navigate(base + "/zz/in?to=" + to)) }
	count := `document.querySelectorAll("[data-message]").length`
	view(1000, 600, false)
	do(chromedp.Navigate(base + "/"))
	shot("signedout")
	view(1000, 600, true)
	do(chromedp.Navigate(base + "/login?code=abc"))
	shot("login")
	view(1200, 800, false)
	in("/")
	shot("channel")
	js(`fetch("/zz/say?text=hello+live+**world**"); setTimeout(()=>fetch("/zz/say?text=again"), 20)`)
	shot("live")
	fmt.Println("items 62? ", num(count))
	js(`document.getElementById("messages").scrollTop=-600`)
	at := `document.querySelectorAll("[data-message]")[40].getBoundingClientRect().top`
	fmt.Println("before", num(at))
	js(`fetch("/zz/say?text=while+scrolled")`)
	fmt.Println("after", num(at))
	js(`document.getElementById("messages").scrollTop=-1e6`)
	at = `document.querySelectorAll("[data-message]")[document.querySelectorAll("[data-message]").length-53].getBoundingClientRect().top`
	fmt.Println("before older", num(at))
	do(chromedp.Click("#older"))
	nap()
	fmt.Println("after older", num(at), "items", num(count))
	shot("older")
	do(chromedp.SendKeys("#content", "typed *here*\r"))
	shot("sent")
	fmt.Println("items after send", num(count))
	view(1200, 1500, true)
	in("/")
	shot("dark")
	view(1200, 1500, false)
	in("/")
	shot("light-tall")
	view(390, 800, false)
	in("/")
	shot("narrow")
	view(390, 800, true)
	do(chromedp.Click(".menu"))
	shot("narrow-menu")
	view(1000, 700, false)
	in("/channels/general/threads/019c18f0-0000-7000-8000-000000000069")
	js(`fetch("/zz/say?text=in+thread&thread=019c18f0-0000-7000-8000-000000000069"); setTimeout(()=>fetch("/zz/say?text=not+in+thread"), 20)`)
	shot("thread")
	in("/")
	js(`fetch("/zz/say?text=in+thread2&thread=019c18f0-0000-7000-8000-000000000069")`)
	shot("channel-reply")
	for name, path := range map[string]string{"empty": "/channels/empty", "archived": "/channels/old-project", "notfound": "/channels/nope", "oldpage": "/channels/general%3Fbefore=019c18f0-0000-7000-8000-000000000005"} {
		in(path)
		shot(name)
	}
	js(`for (let i=0;i<60;i++) 0`)
	in("/")
	js(`(async()=>{for(let i=0;i<60;i++) await fetch("/zz/say?text=burst+"+i)})()`)
	nap()
	nap()
	shot("burst")
	fmt.Println("burst", num(count), num(`document.getElementById("messages").scrollTop`))
}
