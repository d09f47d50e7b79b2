package egress

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A name that was good when it was checked, and again when it was first
// called, is refused the moment it leads elsewhere.
func TestRebinding(t *testing.T) {
	answer := func(conn net.Conn) {
		if readRequest(conn) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	}
	// 127.0.0.2 is opened by name and stands for a public address; 127.0.0.1
	// is what the policy protects. Both listen on one port.
	victim := receive(t, "127.0.0.1:0", answer)
	_, port, _ := net.SplitHostPort(victim.address)
	public := receive(t, "127.0.0.2:"+port, answer)

	second := map[string][]netip.Addr{
		"rebind.test":   addrs("127.0.0.1"),
		"mapped.test":   addrs("::ffff:127.0.0.1"),
		"metadata.test": addrs("169.254.169.254"),
		"private.test":  addrs("10.0.0.1", "192.168.0.1"),
		"six.test":      addrs("::1"),
		"any.test":      addrs("0.0.0.0"),
	}
	resolver := startNameServer(t, &nameServer{answer: func(name string, n int) []netip.Addr {
		if n == 1 {
			return addrs("127.0.0.2")
		}
		return second[name]
	}})
	c := New(Options{Policy: Policy{Allow: prefixes(t, "127.0.0.2/32")}, Resolver: resolver})
	defer c.Close()
	for name := range second {
		url := "http://" + name + ".:" + port
		if err := c.CheckURL(url); err != nil {
			t.Fatal(err)
		}
		if result := c.Do(t.Context(), &Request{URL: url}); result.Status != http.StatusOK || !strings.HasPrefix(result.RemoteAddr, "127.0.0.2:") {
			t.Fatalf("%s, first time: %+v", name, result)
		}
		result := bounded(t.Context(), t, c, secretRequest(url))
		if result.Kind != KindRefused || !strings.Contains(result.Err.Error(), name) ||
			!strings.Contains(result.Err.Error(), "refused") || result.RemoteAddr != "" {
			t.Errorf("%s, second time: %+v", name, result)
		}
	}
	if n := public.accepted.Load(); n != int64(len(second)) {
		t.Errorf("the public address was called %d times, want %d", n, len(second))
	}
	if n := victim.accepted.Load(); n != 0 {
		t.Errorf("the protected address was called %d times", n)
	}
}

// Every address of a name is checked, and one that is admitted is used.
func TestSeveralAddresses(t *testing.T) {
	receiver := receive(t, "127.0.0.1:0", func(conn net.Conn) {
		if readRequest(conn) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	_, port, _ := net.SplitHostPort(receiver.address)
	resolver := startNameServer(t, &nameServer{answer: func(string, int) []netip.Addr {
		return addrs("10.0.0.1", "169.254.169.254", "127.0.0.1")
	}})
	c := local(t, Options{Resolver: resolver})
	if result := c.Do(t.Context(), &Request{URL: "http://many.test.:" + port}); result.Status != http.StatusOK {
		t.Errorf("%+v", result)
	}
}

// Whether plain http:// may be used depends on the address dialled, not on
// the name.
func TestPlainHTTPIsCheckedWhenDialled(t *testing.T) {
	resolver := startNameServer(t, &nameServer{answer: func(string, int) []netip.Addr { return addrs("8.8.8.8") }})
	c := local(t, Options{Resolver: resolver})
	const url = "http://public.test.:9"
	if err := c.CheckURL(url); err != nil {
		t.Fatal(err)
	}
	result := bounded(t.Context(), t, c, secretRequest(url))
	refusal, ok := errors.AsType[*Error](result.Err)
	if !ok || refusal.Rule != RulePlainHTTP || refusal.Addr != netip.MustParseAddr("8.8.8.8") {
		t.Errorf("%+v", result)
	}
}

func TestNamesThatCannotBeResolved(t *testing.T) {
	missing := startNameServer(t, &nameServer{answer: func(string, int) []netip.Addr { return nil }})
	c := local(t, Options{Resolver: missing})
	result := bounded(t.Context(), t, c, secretRequest("http://missing.test."))
	if result.Kind != KindDNS || !strings.Contains(result.Err.Error(), "does not exist") {
		t.Errorf("%+v", result)
	}
	silent := startNameServer(t, &nameServer{silent: true})
	c = local(t, Options{Resolver: silent, ConnectTimeout: 100 * time.Millisecond})
	result = bounded(t.Context(), t, c, secretRequest("https://silent.test."))
	if result.Kind != KindDNS || !strings.Contains(result.Err.Error(), "does not answer") {
		t.Errorf("%+v", result)
	}
}
