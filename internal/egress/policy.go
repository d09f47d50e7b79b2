package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// Policy says whom the hub may call. The zero value admits public addresses
// over https:// only.
type Policy struct {
	// Allow are address ranges an administrator opened (HUB_EGRESS_ALLOW):
	// private, link-local or other special-purpose ones, and any address that
	// may be called over plain http://. Link-local networks and cloud metadata
	// services are opened only by a prefix within them, never by a wider one.
	// Unspecified, multicast and broadcast addresses are never opened.
	Allow []netip.Prefix
	// AllowLoopback admits 127.0.0.0/8 and ::1; meant for a hub that itself
	// listens on loopback.
	AllowLoopback bool
	// AllowHTTP admits plain http:// to public addresses (HUB_ALLOW_HTTP).
	AllowHTTP bool
}

// guard executes a Policy. It is immutable.
type guard struct {
	policy Policy
	open   *ssrf.Guardian // knows what the policy opened
	closed *ssrf.Guardian // admits public addresses only
}

func newGuard(p Policy) *guard {
	p.Allow = normalized(p.Allow)
	v4, v6 := byFamily(p.Allow)
	// An address in the NAT64 range leads to the IPv4 address it embeds, which
	// is checked by itself.
	v6 = append(v6, nat64)
	if p.AllowLoopback {
		v4 = append(v4, loopback4)
		v6 = append(v6, loopback6)
	}
	return &guard{
		policy: p,
		open:   ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)),
		closed: ssrf.New(ssrf.WithAnyPort()),
	}
}

// normalized drops invalid prefixes and writes IPv4-mapped ones as IPv4.
func normalized(prefixes []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p = p.Masked(); p.IsValid() {
			out = append(out, p)
		}
	}
	return out
}

func byFamily(prefixes []netip.Prefix) (v4, v6 []netip.Prefix) {
	for _, p := range prefixes {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return v4, v6
}

// control returns the net.Dialer.Control of one scheme. It sees each address
// just before the connect system call, after any name was resolved.
func (g *guard) control(plain bool) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || network != "tcp4" && network != "tcp6" {
			return &Error{Kind: KindRefused, Rule: RuleReserved, text: "refused: not a TCP address"}
		}
		if refusal := g.check(to.Addr(), plain); refusal != nil {
			return refusal
		}
		return nil
	}
}

// check returns nil when addr may be dialled, over plain HTTP if plain is set,
// and otherwise why not and who may change that.
func (g *guard) check(addr netip.Addr, plain bool) *Error {
	addr = addr.Unmap().WithZone("")
	if refusal := g.checkFixed(addr, addr); refusal != nil {
		return refusal
	}
	inner, leads := embedded4(addr)
	if leads {
		if refusal := g.checkEmbedded(addr, inner); refusal != nil {
			return refusal
		}
	}
	if g.open.SafeAddr(addr) != nil {
		rule, name := nameOf(addr)
		return refuse(rule, addr, name, allowHint(addr))
	}
	if plain && !g.policy.AllowHTTP && !g.opened(addr) && !(leads && g.inAllow(inner)) {
		return refuse(RulePlainHTTP, addr, "plain http:// to a public address",
			"Use https://. "+allowHint(addr)+" For all public addresses the setting is HUB_ALLOW_HTTP=1.")
	}
	return nil
}

// checkFixed applies the rules for addr that a general opening does not
// change. shown is the address to name.
func (g *guard) checkFixed(shown, addr netip.Addr) *Error {
	for _, r := range never {
		if r.prefix.Contains(addr) {
			return refuse(r.rule, shown, r.name, "No setting allows it.")
		}
	}
	for _, r := range explicit {
		if !r.prefix.Contains(addr) || g.openedWithin(addr, r.prefix) {
			continue
		}
		rule, name := r.rule, r.name
		if slices.Contains(metadata, addr) {
			rule, name = RuleMetadata, "cloud metadata service"
		}
		return refuse(rule, shown, name, allowHint(addr))
	}
	return nil
}

// checkEmbedded holds the IPv4 address that addr leads to against the rules.
// That loopback is open does not count: behind a translator it is another
// machine's.
func (g *guard) checkEmbedded(addr, inner netip.Addr) *Error {
	if refusal := g.checkFixed(addr, inner); refusal != nil {
		return refusal
	}
	if g.closed.SafeAddr(inner) == nil || g.inAllow(inner) {
		return nil
	}
	rule, name := nameOf(inner)
	return refuse(rule, addr, "leads to "+inner.String()+", "+name, allowHint(inner))
}

// opened reports whether the policy opened addr by name.
func (g *guard) opened(addr netip.Addr) bool {
	return g.policy.AllowLoopback && addr.IsLoopback() || g.inAllow(addr)
}

func (g *guard) inAllow(addr netip.Addr) bool {
	return slices.ContainsFunc(g.policy.Allow, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// openedWithin reports whether a prefix that lies within zone opened addr.
func (g *guard) openedWithin(addr netip.Addr, zone netip.Prefix) bool {
	return slices.ContainsFunc(g.policy.Allow, func(p netip.Prefix) bool {
		return p.Contains(addr) && p.Bits() >= zone.Bits() && zone.Contains(p.Addr())
	})
}

func refuse(rule Rule, addr netip.Addr, name, hint string) *Error {
	return &Error{Kind: KindRefused, Rule: rule, Addr: addr, text: fmt.Sprintf("%s is refused: %s. %s", addr, name, hint)}
}

func allowHint(addr netip.Addr) string {
	return fmt.Sprintf("An administrator may allow it with HUB_EGRESS_ALLOW=%s.", netip.PrefixFrom(addr, addr.BitLen()))
}
