package egress

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is the length of the longest URL accepted, in bytes.
const maxURL = 8 << 10

// ParseURL reads a URL that requests can be sent to: http or https, with a
// host, without user information (it would end up in logs and is no way to
// authenticate a webhook). A fragment is dropped. The policy is not consulted.
// The error is an *[Error] of [KindInvalid] that names what is wrong without
// repeating the URL.
func ParseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, invalidURL("", "it is longer than 8 KiB")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, invalidURL("", "it cannot be read") // url.Error repeats the URL
	}
	u.Fragment, u.RawFragment = "", ""
	if problem := problemOf(u); problem != "" {
		return nil, invalidURL(u.Host, problem)
	}
	return u, nil
}

// problemOf says why no request can be sent to u, or nothing.
func problemOf(u *url.URL) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "it must begin with https:// (or http://)"
	case u.User != nil:
		return "it must not hold a user name or password; use a header"
	case u.Opaque != "" || u.Hostname() == "":
		return "it has no host"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "its port is not a number from 1 to 65535"
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return "its port is empty"
	}
	return ""
}

func invalidURL(host, problem string) *Error {
	return &Error{Kind: KindInvalid, Host: host, text: "The URL is not usable: " + problem + "."}
}

// CheckURL tells whether requests to raw have a chance: it must be a URL as
// [ParseURL] wants it, and where its host is an IP address (or localhost) or
// its scheme forbidden for any address, the policy must admit it. A name is
// not resolved: what it leads to is checked each time it is dialled, so a nil
// error is no promise. The error is an *[Error] of [KindInvalid] or
// [KindRefused], says which rule refused and how an administrator may allow
// it, and is fit to be shown.
func (c *Client) CheckURL(raw string) error {
	u, err := ParseURL(raw)
	if err != nil {
		return err
	}
	if refusal := c.guard.checkHost(u.Hostname(), u.Scheme == "http"); refusal != nil {
		refusal.Host = u.Host
		return refusal
	}
	return nil
}

// checkHost checks what can be known of a URL's host without resolving it.
func (g *guard) checkHost(host string, plain bool) *Error {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "" {
		return invalidURL("", "it has no host")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.check(addr, plain)
	}
	if endsInNumber(host) {
		return invalidURL("", "its host is a number but no IP address in the usual notation")
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		refusal := g.check(netip.AddrFrom4([4]byte{127, 0, 0, 1}), plain)
		if refusal == nil || g.check(netip.IPv6Loopback(), plain) == nil {
			return nil
		}
		return refusal
	}
	if plain && !g.policy.AllowHTTP && !g.policy.AllowLoopback && len(g.policy.Allow) == 0 {
		return &Error{
			Kind: KindRefused, Rule: RulePlainHTTP,
			text: "Plain http:// is refused. Use https://. An administrator may allow it with HUB_ALLOW_HTTP=1, " +
				"or for a private network with HUB_EGRESS_ALLOW.",
		}
	}
	return nil
}

// endsInNumber reports whether the last label of a host is a number, decimal,
// octal or hexadecimal. No such name exists, but some resolvers read it as an
// IPv4 address in an old notation (WHATWG URL, "ends in a number checker").
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
