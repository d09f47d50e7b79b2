package ingress

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

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
		`{"token":5,"secretary":null}`:                                        `{"token":5,"secretary":null}`,
		"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----": "-----BEGIN RSA PRIVATE KEY-----" + stars + "-----END RSA PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\nabc":                                    "-----BEGIN PRIVATE KEY-----" + stars + "-----END",
		"\xff\x00binary":                                                      "\xff\x00binary",
	} {
		if got := string(m.mask([]byte(in))); got != want {
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
		got := m.mask([]byte(body))
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
	got := newMasker().mask(body)
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

func FuzzMask(f *testing.F) {
	f.Add([]byte(`{"password": "a\"b"}`))
	f.Add([]byte(guideBody))
	f.Add([]byte(`\\\"token\\\":\\\"x\\\"`))
	m := newMasker()
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := m.mask(body); len(body) <= maxLogged && len(got) == 0 && len(body) > 0 {
			t.Fatal("everything was masked")
		}
	})
}
