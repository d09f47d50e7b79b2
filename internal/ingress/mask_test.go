package ingress

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nself-chat/hub/internal/markup"
	"github.com/nself-chat/hub/internal/secret"
)

func TestMask(t *testing.T) {
	m := newMasker()
	const stars = secret.Mask
	for in, want := range map[string]string{
		guideBody:                                                             guideBody,
		`hub_abcdefghijklmnopqrstuvwxyz2`:                                     `hub_` + stars,
		`"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`:                            `"whsec_` + stars + `"`,
		`Authorization: Bearer abcdefghijklmnopqrstuv`:                        `Authorization: Bearer ` + stars,
		`key AKIAIOSFODNN7EXAMPLE.`:                                           `key AKIA` + stars + `.`,
		`ASIAIOSFODNN7EXAMPLEX`:                                               `ASIAIOSFODNN7EXAMPLEX`, // one character more: no key id
		`t=ghp_abcdefghijklmnopqrst xoxb-1234567890-ab`:                       `t=ghp_` + stars + ` xoxb-1234567890-ab`,
		`xoxb-123456789012-abcdefghij`:                                        `xoxb-` + stars,
		`{"password": "a\"b\\", "x":1}`:                                       `{"password": "` + stars + `", "x":1}`,
		`{"dbPassword":"é","my_api_key" : "b"}`:                               `{"dbPassword":"` + stars + `","my_api_key" : "` + stars + `"}`,
		`{"text":"{\"client_secret\":\"abc\",\"a\":1}"}`:                      `{"text":"{\"client_secret\":\"` + stars + `\",\"a\":1}"}`,
		`user=a&password=b%20c&x=1`:                                           `user=a&password=` + stars + `&x=1`,
		`payload=%7B%22token%22%3A%22abc%22%7D`:                               `payload=%7B%22token%22%3A%22` + stars + `%22%7D`,
		`{"token":5,"secretary":null}`:                                        `{"token":"` + stars + `","secretary":null}`,
		"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----": "-----BEGIN RSA PRIVATE KEY-----" + stars + "-----END RSA PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\nabc":                                    "-----BEGIN PRIVATE KEY-----" + stars + "-----END",
		"\xff\x00binary":                                                      "\xff\x00binary",
	} {
		if got := string(m.mask("", []byte(in))); got != want {
			t.Errorf("%s\nmasked as %s\nwant      %s", in, got, want)
		}
	}
}

// TestMaskCuts moves a credential over the place where the body is cut: no
// part of it stays.
func TestMaskCuts(t *testing.T) {
	m := newMasker()
	const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for shift := -60; shift < 620; shift += 7 {
		// Early masks shorten the body, and so move its end.
		early := strings.Repeat(`"whsec_`+strings.Repeat("A", 60)+`" `, 20)
		body := early + strings.Repeat("é", (maxLogged+shift-len(early))/2) + key + strings.Repeat("z ", 2000)
		got := m.mask("", []byte(body))
		if len(got) > maxLogged || !utf8.Valid(got) {
			t.Fatalf("shift %d: %d bytes, valid %v", shift, len(got), utf8.Valid(got))
		}
		if bytes.Contains(got, []byte("MfKQ")) || bytes.Contains(got, []byte("AAAA")) {
			t.Fatalf("shift %d: part of the credential stayed: …%s", shift, got[len(got)-60:])
		}
		if len(got) < maxLogged-4*maskMargin {
			t.Fatalf("shift %d: only %d bytes are kept", shift, len(got))
		}
	}
}

func TestMaskCopies(t *testing.T) {
	body := []byte("plain")
	got := newMasker().mask("", body)
	body[0] = 'X'
	if string(got) != "plain" {
		t.Errorf("what is logged changed with the buffer: %s", got)
	}
}

// TestMaskedQuery: what names a message stays, what authorises is masked, wherever
// it is in the URL.
func TestMaskedQuery(t *testing.T) {
	m := newMasker()
	for in, want := range map[string]string{
		"":                             "",
		"token=x":                      "",
		"key=deploy-1.4":               "key=deploy-1.4",
		"key=a+b&a=1&thread=t&wait=1":  "a=1&key=a+b&thread=t&wait=1",
		"thread_id=5&key=k":            "key=k&thread_id=5",
		"sig=abc":                      "sig=" + secret.Mask,
		"code=abc&a=1":                 "a=1&code=" + secret.Mask,
		"signature=abc":                "signature=" + secret.Mask,
		"zz=1&signature=abc&api_key=d": "api_key=" + secret.Mask + "&signature=" + secret.Mask + "&zz=1",
		"title=a%26code%3Db":           "title=a%26code%3Db",
		"auth=abc&pass%77ord=hunter2":  "auth=" + secret.Mask + "&password=" + secret.Mask,
		"link=https%3A%2F%2Fa%3Fb%3D1": "link=https%3A%2F%2Fa%3Fb%3D1",
	} {
		q, err := url.ParseQuery(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.query(q); got != want {
			t.Errorf("%s is kept as %s, want %s", in, got, want)
		}
	}
}

const (
	urlencoded = "application/x-www-form-urlencoded"
	multipartX = "multipart/form-data; boundary=X"
)

// part is a part of a body with the boundary X.
func part(name, content string) string {
	return "--X\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content + "\r\n"
}

// secretBodies hold a secret in each form in which a body is understood, by the
// label that they come with, and say hello; "-" is none. Of what is kept, * stands
// for the mask.
var secretBodies = []struct{ label, body, kept string }{
	{"-", `{"text":"hello","password":12345678,"pin":1}`, `{"text":"hello","password":"*","pin":1}`},
	{"-", `{"text":"hello","x":{"tokens":["hunter2", 12345678, {"a":"hunter2"}],"y":[1]}}`, `{"text":"hello","x":{"tokens":["*", "*", {"a":"*"}],"y":[1]}}`},
	{"-", `{"text":"hello","password":{"value":"hunter2","ok":true,"none":null}}`, `{"text":"hello","password":{"value":"*","ok":true,"none":null}}`},
	{"-", `{"text":"hello", "pass\u0077ord" : "hunter2" }`, `{"text":"hello", "pass\u0077ord" : "*" }`},
	{"-", `{"text":"hello","DB Password":"hunter2"}`, `{"text":"hello","DB Password":"*"}`},
	{"-", `{'text':'hello','password':'hunter2'}`, `{"text":"hello","password":"*"}`},
	{"-", `{text:"hello",password:"hunter2"}`, `{"text":"hello","password":"*"}`},
	{"-", `{"text":"hello" "password":"hun"hunter2"}`, `{"text":"hello","password":"*"}`},
	{"-", "{\"text\":\"hello\nworld\",\"token\":12345678}", `{"text":"hello\u000aworld","token":"*"}`},
	{"-", "\ufeff" + `{"text":"hello","token":[12345678]}`, `{"text":"hello","token":["*"]}`},
	{"-", `{"text":"hello","json":"{\"token\":[\"hunter2\"],\"a\":\"<b>\"}"}`, `{"text":"hello","json":"{\"token\":[\"*\"],\"a\":\"<b>\"}"}`},
	{"-", `{"text":"hello","url":"https://a.example/?auth=hunter2&b=1"}`, `{"text":"hello","url":"https://a.example/?auth=*&b=1"}`},
	{"application/json", `[{"text":"hello","password":12345678}]`, `[{"text":"hello","password":"*"}]`},
	{urlencoded, `text=hello&pass%77ord=hunter2&a=%zz`, `text=hello&pass%77ord=*&a=%zz`},
	{urlencoded, `text=hello&auth=hunter2`, `text=hello&auth=*`},
	{urlencoded, `text=hello&x=%7B%22token%22%3A12345678%7D`, `text=hello&x=%7B%22token%22%3A%22*%22%7D`},
	{"-", `payload=%7B%22text%22%3A%22hello%22%2C%22token%22%3A%5B%22hunter2%22%5D%7D`, `payload=%7B%22text%22%3A%22hello%22%2C%22token%22%3A%5B%22*%22%5D%7D`},
	{"-", `payload={'text':'hello','token':'hunter2'}`, `payload=%7B%22text%22%3A%22hello%22%2C%22token%22%3A%22*%22%7D`},
	{multipartX, part("text", "hello") + part("password", "hunter2\r\nhunter2") + "--X--\r\n", part("text", "hello") + part("password", "*") + "--X--\r\n"},
	{"-", part("api-key", "hunter2") + part("text", "hello") + "--X--\r\n", part("api-key", "*") + part("text", "hello") + "--X--\r\n"},
	{multipartX, strings.ReplaceAll(part("password", "hunter2")+part("text", "hello")+"--X--", "\r", ""), strings.ReplaceAll(part("password", "*")+part("text", "hello")+"--X--", "\r", "")},
	{multipartX, part("payload_json", `{"content":"hello","token":12345678}`) + "--X--\r\n", part("payload_json", `{"content":"hello","token":"*"}`) + "--X--\r\n"},
	{multipartX, part("token", "hunter2\r\n--Xhunter2\r\n--X-hunter2") + part("text", "hello") + "--X--\r\n", part("token", "*") + part("text", "hello") + "--X--\r\n"},
}

// TestMaskFields: what the hub reads as a field of a secret is masked, in whatever
// form it comes, and what is kept can be read as before.
func TestMaskFields(t *testing.T) {
	for _, test := range secretBodies {
		label := strings.TrimPrefix(test.label, "-")
		kept := newMasker().mask(label, []byte(test.body))
		if want := strings.ReplaceAll(test.kept, "*", secret.Mask); string(kept) != want {
			t.Errorf("%s\nis kept as %s\nwant       %s", test.body, kept, want)
		}
		if again := newMasker().mask(label, kept); string(again) != string(kept) {
			t.Errorf("%s\nis kept as %s\nthen       %s", test.body, kept, again)
		}
	}
}

// TestMaskedCallsAreReplayed: they say the same again.
func TestMaskedCallsAreReplayed(t *testing.T) {
	for _, test := range secretBodies {
		w := newWorld(t)
		var header []string
		if test.label != "-" {
			header = []string{"Content-Type", test.label}
		}
		if rec := w.do("POST", token, test.body, header...); rec.Code >= 300 {
			t.Errorf("%s: answered %d %s", test.body, rec.Code, rec.Body)
			continue
		}
		logged := *w.chat.posts[0].Call
		if strings.Contains(string(logged.Body), "hunter2") || strings.Contains(string(logged.Body), "12345678") {
			t.Errorf("logged as %s", logged.Body)
		}
		w.store.logged[logged.ID] = logged
		again, err := w.in.Replay(t.Context(), logged.ID)
		if err != nil || again.Dialect != logged.Dialect || again.RecognisedBy != logged.RecognisedBy {
			t.Errorf("%s: came as %s by %q, replayed as %+v, %v", test.body, logged.Dialect, logged.RecognisedBy, again, err)
			continue
		}
		if p := w.chat.posts[1]; !strings.Contains(p.Content+markup.Plain(p.Document), "hello") {
			t.Errorf("%s: replayed as %+v", test.body, p)
		}
	}
}

// TestMaskLeaves: what names no secret is kept as it came, byte for byte.
func TestMaskLeaves(t *testing.T) {
	for _, test := range [][2]string{
		{"", `{ 'text' : 'the author of \\ it', }`},
		{"", `{"author":{"name":"a"},"a\u0062":1.50}`},
		{urlencoded, "the token of it = 7 & more"},
		{"", `{"token":null,"hasToken":true}`},
		{"", `{"total_tokens":512,"usage":{"tokenCount":[3,4],"token_limit":7}}`},
		{"", `[note] the secret is out`},
		{"application/json", `{"secret`},
		{"", `{"personal_access_token_request":{"id":12345678}}`},
		{multipartX, part("text", "password") + "--X--"},
		{multipartX, "--X\r\nbroken token"},
		{urlencoded, "payload=%7B%22text%22%3A%22the+token%22"},
		{"", `"a token"`},
		{urlencoded, "text=100%&token=&rest=7%2"},
	} {
		if got := newMasker().mask(test[0], []byte(test[1])); string(got) != test[1] {
			t.Errorf("%s\nis kept as %s", test[1], got)
		}
	}
}

// TestMaskFieldsCuts: where a large body is cut, no part of a field stays.
func TestMaskFieldsCuts(t *testing.T) {
	for shift := -600; shift < 700; shift += 13 {
		fill := strings.Repeat("é", (maxLogged+shift)/2)
		for _, test := range [][2]string{
			{"", `{"text":"` + fill + `","token":[12345678,"hunter2hunter2"],"more":"` + strings.Repeat("x", 2000) + `"}`},
			{urlencoded, "text=" + fill + "&pass%77ord=hunter2hunter2hunter2&more=" + strings.Repeat("x", 2000)},
			{multipartX, part("text", fill) + part("password", strings.Repeat("hunter2", 100)) + part("more", strings.Repeat("x", 2000)) + "--X--"},
		} {
			got := newMasker().mask(test[0], []byte(test[1]))
			if len(got) > maxLogged || bytes.Contains(got, []byte("1234")) || bytes.Contains(got, []byte("hunt")) {
				t.Fatalf("shift %d of %.20s: %d bytes are kept, …%s", shift, test[1], len(got), got[len(got)-60:])
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add([]byte(`{"password": "a\"b"}`))
	f.Add([]byte(guideBody))
	f.Add([]byte(`\\\"token\\\":\\\"x\\\"`))
	for _, test := range secretBodies {
		f.Add([]byte(test.body))
	}
	m := newMasker()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, label := range []string{urlencoded, multipartX} {
			m.mask(label, body)
		}
		if json.Valid(body) && !json.Valid(maskFields("", body)) {
			t.Fatalf("%s is kept as %s", body, maskFields("", body))
		}
		if got := m.mask("", body); len(body) <= maxLogged && len(got) == 0 && len(body) > 0 {
			t.Fatal("everything was masked")
		}
	})
}
