package egress

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func kindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindNone
}

func TestCheckURL(t *testing.T) {
	strict := New(Options{})
	local := New(Options{Policy: Policy{AllowLoopback: true}})
	lan := New(Options{Policy: Policy{Allow: prefixes(t, "10.0.0.0/8", "::1/128")}})
	plain := New(Options{Policy: Policy{AllowHTTP: true}})
	tests := []struct {
		client *Client
		url    string
		kind   Kind
	}{
		{strict, "https://hooks.example.com/T000/B000?x=1#part", KindNone},
		{strict, "https://hooks.example.com:8443", KindNone},
		{strict, "https://8.8.8.8/", KindNone},
		{strict, "https://[2606:4700::1111]:444/", KindNone},
		{strict, "https://bücher.example/", KindNone},
		{strict, "HTTPS://EXAMPLE.com./", KindNone},

		{strict, "", KindInvalid},
		{strict, "example.com/hook", KindInvalid},
		{strict, "//example.com/hook", KindInvalid},
		{strict, "ftp://example.com/", KindInvalid},
		{strict, "file:///etc/passwd", KindInvalid},
		{strict, "https:example.com", KindInvalid},
		{strict, "https:///path", KindInvalid},
		{strict, "https://:443/", KindInvalid},
		{strict, "https://./", KindInvalid},
		{strict, "https://user:pass@example.com/", KindInvalid},
		{strict, "https://user@example.com/", KindInvalid},
		{strict, "https://@example.com/", KindInvalid},
		{strict, "https://example.com:0/", KindInvalid},
		{strict, "https://example.com:/", KindInvalid},
		{strict, "https://example.com:99999/", KindInvalid},
		{strict, "https://example.com:x/", KindInvalid},
		{strict, "https://exa mple.com/", KindInvalid},
		{strict, "https://example.com/\r\nX: y", KindInvalid},
		{strict, "https://example.com/" + strings.Repeat("a", maxURL), KindInvalid},
		{strict, "https://2130706433/", KindInvalid}, // 127.0.0.1 in old notations
		{strict, "https://0x7f000001/", KindInvalid},
		{strict, "https://0x/", KindInvalid},
		{strict, "https://0177.0.0.1/", KindInvalid},
		{strict, "https://127.1/", KindInvalid},
		{strict, "https://example.0x1F/", KindInvalid},

		{strict, "https://127.0.0.1/", KindRefused},
		{strict, "https://127.0.0.1./", KindRefused},
		{strict, "https://[::1]/", KindRefused},
		{strict, "https://[::ffff:10.0.0.1]/", KindRefused},
		{strict, "https://[fe80::1%25eth0]/", KindRefused},
		{strict, "https://169.254.169.254/latest/meta-data", KindRefused},
		{strict, "https://localhost/", KindRefused},
		{strict, "https://LOCALHOST.:8000/", KindRefused},
		{strict, "https://api.localhost/", KindRefused},
		{strict, "http://example.com/", KindRefused},
		{strict, "http://8.8.8.8/", KindRefused},

		{local, "http://127.0.0.1:9000/", KindNone},
		{local, "http://localhost:9000/", KindNone},
		{local, "http://receiver.lan/", KindNone}, // may lead to loopback: decided when dialled
		{local, "http://8.8.8.8/", KindRefused},
		{local, "http://169.254.169.254/", KindRefused},
		{lan, "http://10.0.0.1/", KindNone},
		{lan, "http://receiver.lan/", KindNone},
		{lan, "http://localhost/", KindNone},
		{lan, "http://192.168.0.1/", KindRefused},
		{plain, "http://example.com/", KindNone},
		{plain, "http://10.0.0.1/", KindRefused},
	}
	for _, test := range tests {
		if got := kindOf(test.client.CheckURL(test.url)); got != test.kind {
			t.Errorf("CheckURL(%q) is %q, want %q", test.url, got, test.kind)
		}
	}
	err := strict.CheckURL("http://example.com/")
	if err == nil || !strings.Contains(err.Error(), "HUB_ALLOW_HTTP=1") {
		t.Errorf("the refusal of plain http:// does not name the setting: %v", err)
	}
	err = strict.CheckURL("https://10.0.0.1/")
	if err == nil || !strings.Contains(err.Error(), "HUB_EGRESS_ALLOW=10.0.0.1/32") {
		t.Errorf("the refusal of an address does not name the setting: %v", err)
	}
}

func TestParseURLDropsTheFragment(t *testing.T) {
	u, err := ParseURL("https://example.com/hook?a=b#part")
	if err != nil || u.String() != "https://example.com/hook?a=b" {
		t.Errorf("%v, %v", u, err)
	}
}

// FuzzCheckURL: no input makes it panic, admits an address by its digits that
// the address check would refuse, or comes back in the error.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/", "http://127.0.0.1", "https://[::ffff:7f00:1]/", "https://user:pw@host/p?q#f",
		"https://0x7f.1/", "https://１２７.0.0.1/", "https://[fe80::1%25en0]:1/", "https://localhost", "://", "https://a:b:c/", "https://%31%32",
	} {
		f.Add(seed)
	}
	c := New(Options{Policy: Policy{AllowHTTP: true}})
	f.Fuzz(func(t *testing.T, raw string) {
		err := c.CheckURL(raw)
		if err != nil {
			if kindOf(err) == KindNone {
				t.Fatalf("an error without a kind: %v", err)
			}
			return
		}
		u, err := ParseURL(raw)
		if err != nil {
			t.Fatalf("admitted and unreadable: %v", err)
		}
		if u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("admitted %q", raw)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && forbiddenByStandardLibrary(addr.Unmap().WithZone("")) {
			t.Fatalf("admitted %q", raw)
		}
	})
}

// FuzzErrorsKeepSecrets: what stands before the @, in the path and in the
// query of a URL never shows in an error.
func FuzzErrorsKeepSecrets(f *testing.F) {
	f.Add("https://", "example.com", "/")
	f.Add("http://", "10.0.0.1:99999", "\x00")
	f.Add("x:", "", "%zz")
	f.Add("", "host", "")
	c := New(Options{})
	f.Fuzz(func(t *testing.T, scheme, host, rest string) {
		const secret = "S3CR3T-S3CR3T"
		for _, raw := range []string{
			scheme + secret + "@" + host + rest,
			scheme + "u:" + secret + "@" + host + rest,
			scheme + host + "/" + secret + rest,
			scheme + host + "/?" + secret + rest,
			scheme + host + "/#" + secret + rest,
		} {
			err, ok := errors.AsType[*Error](c.CheckURL(raw))
			if !ok || strings.Contains(err.Host, secret) {
				continue // the fuzzer made it part of the host, which is shown
			}
			if strings.Contains(err.Error(), secret) {
				t.Fatalf("CheckURL(%q): %v", raw, err)
			}
		}
	})
}
