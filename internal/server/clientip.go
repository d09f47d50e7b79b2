package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// localIP stands for the address of who asks over [Options.Local].
const localIP = "local"

type localKey struct{}

// IsLocal reports whether the request came over [Options.Local], from who asks
// for itself: a proxy that was led there by mistake asks for anybody.
func IsLocal(r *http.Request) bool { return overLocal(r) && !IsForwarded(r) }

func overLocal(r *http.Request) bool { return r.Context().Value(localKey{}) != nil }

// forwarding are the headers by which a proxy says that it asks for another,
// who may be anywhere.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"}

// IsForwarded reports whether the request came through a proxy that says so.
func IsForwarded(r *http.Request) bool {
	return slices.ContainsFunc(forwarding, func(name string) bool { return len(r.Header[name]) > 0 })
}

// ClientIP returns the address that the request comes from, without port:
// that of the connection, or the one a trusted proxy names in
// X-Forwarded-For; "local" over [Options.Local].
func ClientIP(r *http.Request) string {
	if x := exchangeOf(r.Context()); x != nil {
		return x.clientIP
	}
	return remoteHost(r)
}

// IsHTTPS reports whether the client reached the hub over TLS, directly or as
// a trusted proxy says in X-Forwarded-Proto.
func IsHTTPS(r *http.Request) bool {
	if x := exchangeOf(r.Context()); x != nil {
		return x.https
	}
	return r.TLS != nil
}

// clientOf finds who is asking. What a header says counts only when the
// connection comes from a trusted proxy.
func clientOf(r *http.Request, trusted []netip.Prefix) (ip string, https bool) {
	if overLocal(r) {
		return localIP, false
	}
	ip, https = remoteHost(r), r.TLS != nil
	if len(trusted) == 0 || !isTrusted(ip, trusted) {
		return ip, https
	}
	if proto := r.Header["X-Forwarded-Proto"]; len(proto) > 0 {
		https = strings.EqualFold(lastElement(proto), "https")
	}
	return forwardedFor(ip, r.Header["X-Forwarded-For"], trusted), https
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// maxForwarded bounds how many addresses of X-Forwarded-For are looked at.
const maxForwarded = 32

// forwardedFor walks the list from its end, where the nearest proxy wrote, and
// returns the first address that is not a trusted proxy. Whatever stands
// before it may be forged and is not read. A malformed entry ends the walk.
func forwardedFor(ip string, values []string, trusted []netip.Prefix) string {
	seen := 0
	for _, value := range slices.Backward(values) {
		for rest := value; rest != ""; seen++ {
			comma := strings.LastIndexByte(rest, ',')
			entry := strings.TrimSpace(rest[comma+1:])
			rest = rest[:max(comma, 0)]
			addr, err := parseForwarded(entry)
			if err != nil || seen == maxForwarded {
				return ip
			}
			ip = addr.Unmap().WithZone("").String()
			if !isTrusted(ip, trusted) {
				return ip
			}
		}
	}
	return ip
}

// parseForwarded reads an address as proxies write it: some add the port.
func parseForwarded(s string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr, nil
	}
	withPort, err := netip.ParseAddrPort(s)
	return withPort.Addr(), err
}

func isTrusted(ip string, trusted []netip.Prefix) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// lastElement returns the last element of a list-valued header: the one that
// the nearest proxy wrote.
func lastElement(values []string) string {
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}
