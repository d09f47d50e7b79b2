package egress

import "net/netip"

// Rule names why an address is refused. The list is closed.
type Rule string

// The rules.
const (
	RuleLoopback    Rule = "loopback"
	RulePrivate     Rule = "private"
	RuleLinkLocal   Rule = "link_local"
	RuleMetadata    Rule = "metadata"
	RuleUnspecified Rule = "unspecified"
	RuleMulticast   Rule = "multicast"
	RuleReserved    Rule = "reserved"
	RulePlainHTTP   Rule = "plain_http"
)

// addressRange is a block of addresses with the rule that covers it.
type addressRange struct {
	prefix netip.Prefix
	rule   Rule
	name   string
}

// never lists what no setting opens: these are not the addresses of one other
// host. (0.0.0.0 and :: reach the local host on Linux.)
var never = []addressRange{
	{netip.MustParsePrefix("0.0.0.0/8"), RuleUnspecified, "unspecified address"},
	{netip.MustParsePrefix("::/128"), RuleUnspecified, "unspecified address"},
	{netip.MustParsePrefix("224.0.0.0/4"), RuleMulticast, "multicast"},
	{netip.MustParsePrefix("ff00::/8"), RuleMulticast, "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), RuleMulticast, "broadcast"},
}

// explicit lists what is opened only by a prefix that lies within the listed
// one, so that a wide 0.0.0.0/0 or fc00::/7 does not hand out the machine's
// cloud credentials by accident. The addresses are the ones on which AWS (also
// ECS and EKS), Google Cloud, Azure, Oracle, Alibaba, Scaleway and OpenStack
// document their instance metadata services.
var explicit = []addressRange{
	{netip.MustParsePrefix("169.254.0.0/16"), RuleLinkLocal, "link-local network, which holds cloud metadata services"},
	{netip.MustParsePrefix("fe80::/10"), RuleLinkLocal, "link-local network"},
	{netip.MustParsePrefix("fd00:ec2::/32"), RuleMetadata, "cloud metadata service"},
	{netip.MustParsePrefix("fd20:ce::254/128"), RuleMetadata, "cloud metadata service"},
	{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), RuleMetadata, "cloud metadata service"},
	{netip.MustParsePrefix("fd00:42::42/128"), RuleMetadata, "cloud metadata service"},
	{netip.MustParsePrefix("100.100.100.200/32"), RuleMetadata, "cloud metadata service"},
	{netip.MustParsePrefix("192.0.0.192/32"), RuleMetadata, "cloud metadata service"},
	{netip.MustParsePrefix("168.63.129.16/32"), RuleMetadata, "cloud metadata service"},
}

// metadata are the addresses within explicit's link-local networks that get
// the metadata rule's name.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"),
	netip.MustParseAddr("169.254.170.2"),
	netip.MustParseAddr("169.254.170.23"),
	netip.MustParseAddr("169.254.42.42"),
	netip.MustParseAddr("fe80::a9fe:a9fe"),
}

// named gives names to the special-purpose ranges people meet (IANA IPv4 and
// IPv6 Special-Purpose Address Registries). It only words refusals: what is
// refused is decided by the registry in package ssrf.
var named = []addressRange{
	{loopback4, RuleLoopback, "loopback"},
	{loopback6, RuleLoopback, "loopback"},
	{netip.MustParsePrefix("10.0.0.0/8"), RulePrivate, "private network 10.0.0.0/8"},
	{netip.MustParsePrefix("172.16.0.0/12"), RulePrivate, "private network 172.16.0.0/12"},
	{netip.MustParsePrefix("192.168.0.0/16"), RulePrivate, "private network 192.168.0.0/16"},
	{netip.MustParsePrefix("100.64.0.0/10"), RulePrivate, "shared address space 100.64.0.0/10"},
	{netip.MustParsePrefix("fc00::/7"), RulePrivate, "private network fc00::/7"},
	{netip.MustParsePrefix("198.18.0.0/15"), RuleReserved, "benchmarking network 198.18.0.0/15"},
	{netip.MustParsePrefix("192.0.0.0/24"), RuleReserved, "protocol assignments 192.0.0.0/24"},
	{netip.MustParsePrefix("2002::/16"), RuleReserved, "6to4 network 2002::/16"},
}

var (
	loopback4 = netip.MustParsePrefix("127.0.0.0/8")
	loopback6 = netip.MustParsePrefix("::1/128")
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
)

// nameOf words why a special-purpose address is refused.
func nameOf(addr netip.Addr) (Rule, string) {
	for _, r := range named {
		if r.prefix.Contains(addr) {
			return r.rule, r.name
		}
	}
	return RuleReserved, "not a public address"
}

// embedded are the IPv6 ranges whose addresses lead to an IPv4 host, with the
// place of the IPv4 address in them.
var embedded = []struct {
	prefix netip.Prefix
	at     int
}{
	{nat64, 12}, // RFC 6052 §2.1
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},  // RFC 8215, used with a /96
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4, RFC 3056 §2
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible, RFC 4291 §2.5.5.1
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // IPv4-translated, RFC 2765 §2.1
}

var (
	teredo = netip.MustParsePrefix("2001::/32")
	// isatap is the modified EUI-64 interface identifier of RFC 5214 §6.1,
	// without the universal bit.
	isatap = [4]byte{0x00, 0x00, 0x5e, 0xfe}
)

// embedded4 returns the IPv4 address an IPv6 address leads to, if it is of a
// form that has one. IPv4-mapped addresses are not its business: netip.Addr
// unmaps those.
func embedded4(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() || loopback6.Contains(addr) {
		return netip.Addr{}, false
	}
	b := addr.As16()
	for _, e := range embedded {
		if e.prefix.Contains(addr) {
			return netip.AddrFrom4([4]byte(b[e.at:])), true
		}
	}
	if teredo.Contains(addr) { // the client's address, inverted: RFC 4380 §4
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	if [4]byte{b[8] &^ 2, b[9], b[10], b[11]} == isatap {
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return netip.Addr{}, false
}
