package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// badBodies are no acceptable request of any operation.
var badBodies = map[string]string{
	"cut off":             `{"name":"x"`,
	"no value":            `{"name":}`,
	"two values":          `{"name":"x"}{"name":"y"}`,
	"words":               `name=x&text=y`,
	"a trailing comma":    `{"name":"x",}`,
	"single quotes":       `{'name':'x'}`,
	"an array":            `[]`,
	"an array of objects": `[{"name":"x"}]`,
	"a number":            `12`,
	"a huge number":       `1e999`,
	"true":                `true`,
	"NaN":                 `{"name":NaN}`,
	"deep arrays":         strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
	"deep objects":        strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
	"deep and open":       `{"name":` + strings.Repeat("[", 1_000_000),
	"invalid UTF-8":       "{\"name\":\"\xff\xfe\",\"content\":\"\xc3\x28\"}",
	"overlong UTF-8":      "{\"name\":\"\xc0\x80\"}",
	"a raw NUL":           "{\"name\":\"a\x00b\"}",
	"a control character": "{\"name\":\"a\nb\"}",
	"UTF-16":              "\xff\xfe{\x00}\x00",
	"a lone quote":        `"`,
	"a bad escape":        `{"name":"\x"}`,
}

// oddValues replace each field of a request in turn. Some may be fine; none
// may break anything.
var oddValues = []string{
	`null`, `{}`, `[]`, `[null]`, `[[]]`, `true`, `""`, `" "`, `"x"`, `0`, `-1`, `1.5`, `1e999`, `-1e999`, `9223372036854775808`,
	`123456789012345678901234567890`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, `"\ud800\u0041"`, `"\u202e"`, `["\u0000"]`, `{"":""}`,
	`{"\u0000":"\u0000"}`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `"2026-02-30T00:00:00Z"`, `"http://[::1"`, `"//x"`,
	`"%00"`, `"../../etc/passwd"`, `"' OR 1=1 --"`, `"01890000-0000-7000-8000-000000000000"`,
	`"` + strings.Repeat("x", 100_000) + `"`, `[` + strings.Repeat(`"x",`, 10_000) + `"x"]`, `"` + strings.Repeat("é", 5000) + `"`,
}

// badInput sends requests that must be refused, or at least survived.
type badInput struct {
	t       *testing.T
	p       *process
	general string // id of the channel, whose name is among what is changed
	mu      sync.Mutex
	n       map[int]int // statuses seen
}

// send sends one request. refuse: only 4xx will do.
func (b *badInput) send(what, method, path string, header http.Header, body io.Reader, refuse bool) {
	a, err := b.p.do(method, path, header, body)
	if len(path) > 100 {
		path = path[:100] + "…"
	}
	if err != nil {
		b.t.Errorf("%s, %s %s: %v", what, method, path, err)
		return
	}
	b.mu.Lock()
	b.n[a.Status]++
	b.mu.Unlock()
	switch {
	case a.Status >= 500:
		b.t.Errorf("%s, %s %s: %d %s", what, method, path, a.Status, a.Body)
	case refuse && a.Status < 400:
		b.t.Errorf("%s, %s %s: taken, %d %.200s", what, method, path, a.Status, a.Body)
	case a.Status >= 400:
		b.clear(what, method, path, a)
	}
}

// clear checks that a refusal says something, and does not repeat what it got.
func (b *badInput) clear(what, method, path string, a answer) {
	if len(bytes.TrimSpace(a.Body)) == 0 {
		b.t.Errorf("%s, %s %s: %d without a word", what, method, path, a.Status)
	}
	if a.Header.Get("Content-Type") != "application/problem+json" {
		return // a page, or a sender's own dialect
	}
	if len(a.Body) > 16<<10 {
		b.t.Errorf("%s, %s %s: %d with %d bytes", what, method, path, a.Status, len(a.Body))
	}
	var p struct {
		Title, Detail, Code string
		Status              int
		Errors              []struct{ Field, Detail string }
	}
	if err := json.Unmarshal(a.Body, &p); err != nil || p.Title == "" || p.Detail == "" || p.Code == "" || p.Status != a.Status || p.Code == "internal" {
		b.t.Errorf("%s, %s %s: %v %s", what, method, path, err, a.Body)
	}
}

// each calls work for all items, four at a time.
func each[T any](items []T, work func(T)) {
	queue := make(chan T)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for item := range queue {
				work(item)
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	wg.Wait()
}

// TestBadInput sends bad bodies to every operation that takes one.
func TestBadInput(t *testing.T) { onBoth(t, testBadInput) }

func testBadInput(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	b := &badInput{t: t, p: p, general: p.general(), n: make(map[int]int)}
	targets := inputTargets(p, receiver)
	each(targets, func(o inputTarget) {
		for what, body := range badBodies {
			b.send(what, o.method, o.path, o.header(), strings.NewReader(body), o.refuses(what))
		}
		b.send("nothing", o.method, o.path, o.header(), nil, false)
		b.send("null", o.method, o.path, o.header(), strings.NewReader("null"), false)
		b.send("a text", o.method, o.path, o.header(), strings.NewReader(`"text"`), false)
		for _, field := range o.fields() {
			for _, value := range oddValues {
				b.send("field "+field+" = "+value[:min(len(value), 40)], o.method, o.path, o.header(), strings.NewReader(o.with(field, value)), false)
			}
		}
	})
	tooLarge(b, targets)
	badForms(b)
	badPages(b)
	badPayloads(b)
	badAddresses(b)
	if a, err := p.do("GET", "/healthz", nil, nil); err != nil || a.Status != http.StatusOK {
		t.Errorf("the hub afterwards: %d %v", a.Status, err)
	}
	t.Logf("answers by status: %v", b.n)
	if b.n[400] < 1000 || b.n[413] < len(targets) {
		t.Errorf("too little was refused: %v", b.n)
	}
	if log := p.log.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log tells of trouble inside:\n%s", tail(log))
	}
	p.stop()
	p.verify()
}

// inputTarget is an operation at a place that exists.
type inputTarget struct {
	operation
	method, path string
	valid        map[string]any // a body that would do
}

// token says that the operation is proved by a token in its path, and takes
// what is sent in the sender's own dialect.
func (o inputTarget) token() bool {
	return strings.Contains(o.path, "/webhooks/incoming/") || strings.HasPrefix(o.path, "/api/webhooks/discord") ||
		strings.HasPrefix(o.path, "/services/") || strings.HasPrefix(o.path, "/hooks/")
}

func (o inputTarget) header() http.Header {
	if o.token() {
		return anonymous()
	}
	return http.Header{"Content-Type": {"application/json"}}
}

// refuses reports whether a bad body of that name must be refused. Operations
// without a body need not look at what they get, and what senders mean is
// understood as far as that can be.
func (o inputTarget) refuses(string) bool { return o.Media == "application/json" && !o.token() }

// tells reports whether a refusal shows in the status: Slack's Web API says it in
// the body.
func (o inputTarget) tells() bool { return !strings.Contains(o.path, "chat.postMessage") }

// fields lists the fields of the body.
func (o inputTarget) fields() []string {
	if o.token() {
		return []string{"content", "text", "username", "icon_url", "embeds", "attachments", "threadId", "blocks"}
	}
	return slices.Sorted(maps.Keys(o.Schema.Properties))
}

// with returns a valid body with one field replaced.
func (o inputTarget) with(field, value string) string {
	var out strings.Builder
	out.WriteByte('{')
	for name, v := range o.valid {
		if name == field {
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&out, "%q:%s,", name, text)
	}
	fmt.Fprintf(&out, "%q:%s}", field, value)
	return out.String()
}

// inputTargets finds a place for each operation that may take a body.
func inputTargets(p *process, receiver *sink) []inputTarget {
	p.t.Helper()
	general := p.general()
	in := p.incoming(map[string]any{"name": "in", "targetChannelId": general})
	target := p.incoming(map[string]any{"name": "target", "targetChannelId": general})
	out := p.webhookTo(receiver, "/input", []string{"some.event"}, nil)
	user := result(p.api().CreateUser(p.t.Context(), api.NewUser{Username: "input"})).must(p)
	var ok posted
	if err := json.Unmarshal(p.curl(in.Token, `{"content":"here"}`).Body, &ok); err != nil {
		p.t.Fatal(err)
	}
	m := p.say(general, "mine")
	p.publish("some.event", 1)
	p.awaitStatuses(out.ID, "success", 1)
	valid := map[string]map[string]any{
		"POST /api/channels":               {"name": "x"},
		"POST /api/channels/{id}/messages": {"content": "x"},
		"POST /api/events":                 {"event": "some.event", "data": 1},
		"POST /api/incoming-webhooks":      {"name": "x", "targetChannelId": general},
		"POST /api/outgoing-webhooks":      {"name": "x", "url": receiver.url("/never"), "events": []string{"never"}},
		"POST /api/tokens":                 {"name": "x", "scope": "read"},
		"POST /api/users":                  {"username": "x"},
	}
	ids := strings.NewReplacer(
		"/channels/{id}", "/channels/"+general, "{userId}", user.ID, "/users/{id}", "/users/"+user.ID,
		"/messages/{id}", "/messages/"+m.ID, "/incoming-webhooks/{id}", "/incoming-webhooks/"+target.ID,
		"/outgoing-webhooks/{id}", "/outgoing-webhooks/"+out.ID, "/deliveries/{id}", "/deliveries/"+p.deliveries(out.ID, "")[0].ID,
		"{version}", "v10", "{method}", "chat.postMessage", "{team}", "T1", "{app}", "B1", "/hooks/{id}/", "/hooks/any/",
		"/webhooks/discord", "/webhooks/discord?token="+in.Token,
		"{callId}", p.callsOf(in.ID)[0].ID, "/inbox/{id}", "/inbox/"+p.callsOf(in.ID)[0].ID, "{token}", in.Token, "{dialect}", "slack", "{message}", ok.MessageID, "{emoji}", "x",
	)
	var all []inputTarget
	for _, o := range p.describedOperations() {
		if o.Method == "GET" || o.Method == "DELETE" || o.Media == "multipart/form-data" {
			continue
		}
		t := inputTarget{operation: o, method: o.Method, path: ids.Replace(o.Path), valid: valid[o.String()]}
		if strings.Contains(t.path, "{") {
			p.t.Errorf("there is no place for %s", o)
		}
		all = append(all, t)
	}
	return all
}

// endless yields the beginning of a JSON text and so many bytes more.
func endless(n int64) io.Reader {
	return io.MultiReader(strings.NewReader(`{"content":"`), io.LimitReader(fill{}, n))
}

type fill struct{}

func (fill) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// tooLarge sends bodies over the limit: of unknown length, announced and held
// back until the hub asks for them (RFC 9110 §10.1.1), and, to some, announced
// and sent at once.
func tooLarge(b *badInput, targets []inputTarget) {
	const limit = 10 << 20
	body := bytes.Repeat([]byte{' '}, limit+1)
	each(targets, func(o inputTarget) {
		// In a struct, so that the client does not find out the length.
		b.send("chunked oversize", o.method, o.path, o.header(), struct{ io.Reader }{endless(limit + 1<<10)}, o.tells())
		header := o.header()
		header.Set("Expect", "100-continue")
		b.send("announced oversize", o.method, o.path, header, bytes.NewReader(body), o.tells())
	})
	each(targets[:4], func(o inputTarget) {
		b.send("oversize", o.method, o.path, o.header(), bytes.NewReader(body), true)
	})
}

// badForms uploads what is no file, or too much of one.
func badForms(b *badInput) {
	const path = "/api/files"
	kind := func(k string) http.Header { return http.Header{"Content-Type": {k}} }
	for what, c := range map[string]struct{ kind, body string }{
		"JSON":             {"application/json", `{"file":"x"}`},
		"no boundary":      {"multipart/form-data", "x"},
		"an empty form":    {"multipart/form-data; boundary=b", "--b--\r\n"},
		"a cut form":       {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nabc"},
		"another field":    {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nabc\r\n--b--\r\n"},
		"garbage":          {"multipart/form-data; boundary=b", strings.Repeat("--b\r\n", 10_000)},
		"a giant header":   {"multipart/form-data; boundary=b", "--b\r\nX: " + strings.Repeat("x", 20<<20)},
		"no content type":  {"", "x"},
		"an odd type":      {"multipart/form-data; boundary=\"\xff\"", "x"},
		"an endless label": {"multipart/form-data; boundary=" + strings.Repeat("b", 10_000), "x"},
	} {
		b.send("upload: "+what, "POST", path, kind(c.kind), strings.NewReader(c.body), true)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "big")
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = io.CopyN(part, fill{}, 25<<20+1)
	w.Close()
	b.send("upload: too large", "POST", path, kind(w.FormDataContentType()), &form, true)
	for _, name := range []string{"\x00", "../../../etc/passwd", strings.Repeat("n", 5000), "\xff\xfe", "CON", "a\r\nX: y", "\u202egnp.exe", ""} {
		form.Reset()
		w := multipart.NewWriter(&form)
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprint(part, "x")
		w.Close()
		b.send(fmt.Sprintf("upload: name %.20q", name), "POST", path, kind(w.FormDataContentType()), &form, false)
	}
}

// badPages sends the console's forms as no browser would.
func badPages(b *badInput) {
	cookie := b.p.signIn()
	form := http.Header{
		"Authorization": {""}, "Cookie": {cookie.Name + "=" + cookie.Value}, "Origin": {b.p.url},
		"Content-Type": {"application/x-www-form-urlencoded"},
	}
	for _, path := range []string{"/login", "/channels/" + b.general + "/messages", "/fragments/channels/" + b.general + "/messages"} {
		for what, body := range map[string]string{
			"nothing": "", "a bad escape": "content=%zz", "invalid UTF-8": "content=%ff%fe&code=%ff", "an empty text": "content=+%0a",
			"too long": "content=" + strings.Repeat("x", 20_000), "oversize": "content=" + strings.Repeat("x", 11<<20),
			"an odd thread": "content=x&thread=%00", "an odd code": "code=" + strings.Repeat("y", 5000), "semicolons": "content=x;code=y",
			"an endless key": "key=" + strings.Repeat("k", 5000) + "&content=x",
		} {
			b.send(what, "POST", path, form, strings.NewReader(body), true)
		}
		b.send("a NUL", "POST", path, form, strings.NewReader("content=a%00b&code=%00"), false)
	}
}

// badPayloads posts to an incoming webhook what is labelled as something else.
func badPayloads(b *badInput) {
	in := b.p.incoming(map[string]any{"name": "payloads", "targetChannelId": b.general})
	for _, c := range []struct{ kind, body string }{
		{"application/x-www-form-urlencoded", "payload="},
		{"application/x-www-form-urlencoded", "payload=%7B"},
		{"application/x-www-form-urlencoded", "payload=%5B%5D"},
		{"text/plain", ""},
		{"text/plain", " \n"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\r\n--b--\r\n"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition"},
		{"multipart/form-data", "x"},
		{"application/json; charset=\xff", "{"},
		{"application/json", `{"blocks":` + strings.Repeat("[", 5000)},
	} {
		header := http.Header{"Content-Type": {c.kind}, "Authorization": {""}}
		b.send(c.kind, "POST", incomingPath(in.Token), header, strings.NewReader(c.body), c.kind != "multipart/form-data")
	}
	// Broken, and yet understood: in another encoding, or cut off.
	for _, c := range []struct{ kind, body string }{
		{"application/x-www-form-urlencoded", "text=%ff"},
		{"application/x-www-form-urlencoded", "payload=%7B%22text%22%3A%22%ff%22%7D"},
		{"text/plain", "caf\xe9"},
		{"application/json", `{"text":"cut off","blocks":"x"`},
	} {
		header := http.Header{"Content-Type": {c.kind}, "Authorization": {""}}
		a, err := b.p.do("POST", incomingPath(in.Token), header, strings.NewReader(c.body))
		if err != nil || a.Status != http.StatusOK {
			b.t.Errorf("%s %q: %v %d %s", c.kind, c.body, err, a.Status, a.Body)
		}
	}
}

// badAddresses asks for what cannot be: odd ids, queries and methods.
func badAddresses(b *badInput) {
	ids := []string{"x", "%00", "%ff", "..%2f..%2fetc", "%2e%2e", strings.Repeat("a", 5000), "01890000-0000-7000-8000-000000000000", "'", "%25", "-"}
	queries := []string{
		"limit=0", "limit=-1", "limit=501", "limit=x", "limit=99999999999999999999", "limit=", "cursor=x", "cursor=%00", "cursor=%ff",
		"cursor=" + strings.Repeat("A", 5000), "before=x", "after=%00", "thread=x", "since=yesterday", "since=0000-00-00T00:00:00Z", "until=%00",
		"status=x", "event=%00", "event=" + strings.Repeat("*", 5000), "webhookId=x", "q=", "q=%00", "q=%22", "q=*", "q=AND+OR+NOT", "q=%28", "q=%ff",
		"q=" + strings.Repeat("a+", 3000), "userId=x", "pinned=maybe", "limit=1&limit=2", "%zz", ";", "unknown=1",
	}
	var urls []string
	for _, o := range b.p.describedOperations() {
		if o.Method != "GET" || strings.HasSuffix(o.Path, "/stream") {
			continue
		}
		if strings.Contains(o.Path, "{") {
			for _, id := range ids {
				path := o.Path
				for _, name := range []string{"{id}", "{userId}", "{callId}", "{token}", "{dialect}"} {
					path = strings.ReplaceAll(path, name, id)
				}
				urls = append(urls, path)
			}
			continue
		}
		for _, q := range queries {
			urls = append(urls, o.Path+"?"+q)
		}
	}
	for _, q := range []string{"after=x", "after=-1", "after=99999999999999999999", "event=%00", "event=a+b"} {
		urls = append(urls, "/api/events/stream?"+q)
	}
	each(urls, func(url string) {
		b.send("an odd address", "GET", url, nil, nil, strings.HasPrefix(url, "/api/events/stream"))
	})
	for _, method := range []string{"PUT", "TRACE", "OPTIONS", "HEAD", "FOO"} {
		for _, path := range []string{"/api/channels", "/api/events", "/", "/api/webhooks/incoming/x", "/nowhere"} {
			a, err := b.p.do(method, path, nil, nil)
			if err != nil || a.Status >= 500 {
				b.t.Errorf("%s %s: %v %d %s", method, path, err, a.Status, a.Body)
			}
		}
	}
}
