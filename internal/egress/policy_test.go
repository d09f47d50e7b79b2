package egress

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(t testing.TB, list ...string) []netip.Prefix {
	t.Helper()
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// The zero policy admits public addresses and nothing else.
func TestPublicAddressesOnly(t *testing.T) {
	g := newGuard(Policy{})
	for _, s := range []string{
		"1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.167.1.1",
		"2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8",
		"64:ff9b::808:808", // a public address behind NAT64
	} {
		if refusal := g.check(netip.MustParseAddr(s), false); refusal != nil {
			t.Errorf("%s: %v", s, refusal)
		}
	}
	for s, rule := range map[string]Rule{
		"127.0.0.1": RuleLoopback, "127.255.255.254": RuleLoopback, "::1": RuleLoopback,
		"10.0.0.1": RulePrivate, "172.16.0.1": RulePrivate, "172.31.255.255": RulePrivate, "192.168.1.1": RulePrivate,
		"100.64.0.1": RulePrivate, "100.127.255.255": RulePrivate, "fc00::1": RulePrivate, "fd12:3456:789a::1": RulePrivate,
		"169.254.0.1": RuleLinkLocal, "fe80::1": RuleLinkLocal, "fe80::1%eth0": RuleLinkLocal, "febf::1": RuleLinkLocal,
		"169.254.169.254": RuleMetadata, "169.254.170.2": RuleMetadata, "fd00:ec2::254": RuleMetadata, "fd20:ce::254": RuleMetadata,
		"100.100.100.200": RuleMetadata, "192.0.0.192": RuleMetadata, "168.63.129.16": RuleMetadata, "fe80::a9fe:a9fe": RuleMetadata,
		"0.0.0.0": RuleUnspecified, "0.1.2.3": RuleUnspecified, "::": RuleUnspecified,
		"224.0.0.1": RuleMulticast, "239.255.255.255": RuleMulticast, "255.255.255.255": RuleMulticast, "ff02::1": RuleMulticast,
		"192.0.0.1": RuleReserved, "192.0.2.1": RuleReserved, "198.18.0.1": RuleReserved, "198.19.255.255": RuleReserved,
		"198.51.100.1": RuleReserved, "203.0.113.1": RuleReserved, "240.0.0.1": RuleReserved, "192.88.99.1": RuleReserved,
		"2001:db8::1": RuleReserved, "100::1": RuleReserved, "5f00::1": RuleReserved, "fec0::1": RuleReserved, "4000::1": RuleReserved,
	} {
		refusal := g.check(netip.MustParseAddr(s), false)
		if refusal == nil {
			t.Errorf("%s was admitted, want refused as %s", s, rule)
			continue
		}
		if refusal.Kind != KindRefused || refusal.Rule != rule {
			t.Errorf("%s: %s %s (%v), want refused as %s", s, refusal.Kind, refusal.Rule, refusal, rule)
		}
	}
}

// spellings are the IPv6 addresses that lead, somewhere, to an IPv4 address.
func spellings(v4 [4]byte) map[string]netip.Addr {
	at := func(prefix string, place int) netip.Addr {
		b := netip.MustParseAddr(prefix).As16()
		copy(b[place:], v4[:])
		return netip.AddrFrom16(b)
	}
	inverted := netip.MustParseAddr("2001:0:4136:e378:8000:63bf::").As16()
	for i := range v4 {
		inverted[12+i] = ^v4[i]
	}
	return map[string]netip.Addr{
		"mapped":           at("::ffff:0:0", 12),
		"compatible":       at("::", 12),
		"translated":       at("::ffff:0:0:0", 12),
		"NAT64":            at("64:ff9b::", 12),
		"local NAT64":      at("64:ff9b:1::", 12),
		"6to4":             at("2002::", 2),
		"6to4 with host":   at("2002::1:2:3:4", 2),
		"Teredo":           netip.AddrFrom16(inverted),
		"ISATAP":           at("2a00:1450:4001:0:0:5efe::", 12),
		"ISATAP universal": at("2a00:1450:4001:0:200:5efe::", 12),
		"ISATAP on link":   at("fe80::5efe:0:0", 12),
	}
}

// No IPv6 spelling of an IPv4 address that is refused is admitted, and
// opening loopback or the IPv6 range alone does not change that.
func TestEverySpellingOfPrivateAddresses(t *testing.T) {
	policies := map[string]Policy{
		"zero":         {},
		"loopback":     {AllowLoopback: true, AllowHTTP: true},
		"IPv6 is open": {Allow: prefixes(t, "::/0")},
	}
	for name, policy := range policies {
		g := newGuard(policy)
		for _, v4 := range []string{
			"127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.0.1", "100.64.0.1", "169.254.169.254",
			"192.0.0.8", "198.18.0.1", "0.0.0.0", "224.0.0.1",
		} {
			for form, addr := range spellings(netip.MustParseAddr(v4).As4()) {
				if form == "mapped" && policy.AllowLoopback && v4 == "127.0.0.1" {
					continue // the kernel is given the IPv4 address
				}
				if g.check(addr, false) == nil {
					t.Errorf("policy %s: %s of %s (%s) was admitted", name, form, v4, addr)
				}
			}
		}
	}
}

func TestAllow(t *testing.T) {
	tests := []struct {
		allow          []string
		admits, refuse []string
	}{
		{[]string{"10.0.0.0/8"}, []string{"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"}, []string{"192.168.0.1", "11.0.0.256"}},
		{[]string{"::ffff:10.0.0.0/104"}, []string{"10.1.2.3"}, []string{"192.168.0.1"}},
		{[]string{"192.168.1.7/32"}, []string{"192.168.1.7"}, []string{"192.168.1.8"}},
		{[]string{"fd00::/8"}, []string{"fd00::1", "fd12::1"}, []string{"fd00:ec2::254", "fd20:ce::254", "fc00::1", "::1"}},
		{[]string{"fd00:ec2::/32"}, []string{"fd00:ec2::254"}, nil},
		{[]string{"169.254.0.0/16"}, []string{"169.254.1.1", "169.254.169.254"}, []string{"fe80::1"}},
		{[]string{"169.254.169.254/32"}, []string{"169.254.169.254"}, []string{"169.254.169.253"}},
		{[]string{"fe80::/10"}, []string{"fe80::1", "fe80::1%eth0"}, nil},
		{[]string{"100.64.0.0/10"}, []string{"100.64.0.1"}, []string{"100.100.100.200"}},
		{[]string{"127.0.0.0/8"}, []string{"127.0.0.1"}, []string{"::1", "64:ff9b:1::7f00:1"}},
		{[]string{"2002::/16"}, []string{"2002:808:808::1"}, []string{"2002:a00:1::1"}},
		// A wide opening opens neither what holds credentials nor what is no host.
		{
			[]string{"0.0.0.0/0", "::/0"},
			[]string{"10.0.0.1", "127.0.0.1", "::1", "fd00::1", "240.0.0.1"},
			[]string{
				"169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16",
				"0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "64:ff9b::a9fe:a9fe", "64:ff9b::0",
			},
		},
	}
	for _, test := range tests {
		g := newGuard(Policy{Allow: prefixes(t, test.allow...)})
		for _, s := range test.admits {
			if refusal := g.check(netip.MustParseAddr(s), true); refusal != nil {
				t.Errorf("allow %v: %v", test.allow, refusal)
			}
		}
		for _, s := range test.refuse {
			addr, err := netip.ParseAddr(s)
			if err == nil && g.check(addr, false) == nil {
				t.Errorf("allow %v: %s was admitted", test.allow, s)
			}
		}
	}
	if g := newGuard(Policy{Allow: []netip.Prefix{{}}}); g.check(netip.MustParseAddr("10.0.0.1"), false) == nil {
		t.Error("an invalid prefix opened something")
	}
}

func TestLoopbackPolicy(t *testing.T) {
	g := newGuard(Policy{AllowLoopback: true})
	for s, admitted := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"169.254.169.254": false, "fd00:ec2::254": false, "10.0.0.1": false, "0.0.0.0": false, "::": false,
	} {
		if got := g.check(netip.MustParseAddr(s), true) == nil; got != admitted {
			t.Errorf("%s admitted: %v, want %v", s, got, admitted)
		}
	}
}

func TestPlainHTTP(t *testing.T) {
	public := netip.MustParseAddr("8.8.8.8")
	tests := []struct {
		policy   Policy
		addr     string
		admitted bool
	}{
		{Policy{}, "8.8.8.8", false},
		{Policy{AllowHTTP: true}, "8.8.8.8", true},
		{Policy{AllowHTTP: true}, "10.0.0.1", false},
		{Policy{AllowHTTP: true}, "169.254.169.254", false},
		{Policy{AllowLoopback: true}, "127.0.0.1", true},
		{Policy{AllowLoopback: true}, "8.8.8.8", false},
		{Policy{Allow: prefixes(t, "10.0.0.0/8")}, "10.0.0.1", true},
		{Policy{Allow: prefixes(t, "10.0.0.0/8")}, "8.8.8.8", false},
		{Policy{Allow: prefixes(t, "8.8.8.0/24")}, "8.8.8.8", true},
	}
	for _, test := range tests {
		refusal := newGuard(test.policy).check(netip.MustParseAddr(test.addr), true)
		if (refusal == nil) != test.admitted {
			t.Errorf("%+v: plain http to %s: %v, want admitted %v", test.policy, test.addr, refusal, test.admitted)
		}
	}
	refusal := newGuard(Policy{}).check(public, true)
	if refusal.Rule != RulePlainHTTP || !strings.Contains(refusal.Error(), "HUB_ALLOW_HTTP=1") ||
		!strings.Contains(refusal.Error(), "HUB_EGRESS_ALLOW=8.8.8.8/32") {
		t.Errorf("the refusal does not say what to do: %v", refusal)
	}
}

// A refusal says what, why and what an administrator may set.
func TestRefusalText(t *testing.T) {
	g := newGuard(Policy{})
	for s, want := range map[string]string{
		"10.0.0.7":        "10.0.0.7 is refused: private network 10.0.0.0/8. An administrator may allow it with HUB_EGRESS_ALLOW=10.0.0.7/32.",
		"fd00::7":         "fd00::7 is refused: private network fc00::/7. An administrator may allow it with HUB_EGRESS_ALLOW=fd00::7/128.",
		"169.254.169.254": "169.254.169.254 is refused: cloud metadata service. An administrator may allow it with HUB_EGRESS_ALLOW=169.254.169.254/32.",
		"::":              ":: is refused: unspecified address. No setting allows it.",
		"64:ff9b::a00:7": "64:ff9b::a00:7 is refused: leads to 10.0.0.7, private network 10.0.0.0/8. " +
			"An administrator may allow it with HUB_EGRESS_ALLOW=10.0.0.7/32.",
	} {
		if got := g.check(netip.MustParseAddr(s), false).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// What a refusal tells an administrator to set opens the address.
func TestHintIsTrue(t *testing.T) {
	for _, s := range []string{
		"10.0.0.7", "127.0.0.1", "::1", "fd00::7", "169.254.169.254", "fe80::1", "100.100.100.200",
		"168.63.129.16", "fd00:ec2::254", "198.18.0.1", "64:ff9b::a00:7", "2001:db8::1", "240.0.0.1",
	} {
		addr := netip.MustParseAddr(s)
		refusal := newGuard(Policy{}).check(addr, false)
		_, hint, found := strings.Cut(refusal.Error(), "HUB_EGRESS_ALLOW=")
		if !found {
			t.Errorf("%s: no hint in %q", s, refusal)
			continue
		}
		allow := prefixes(t, strings.TrimSuffix(hint, "."))
		if still := newGuard(Policy{Allow: allow}).check(addr, true); still != nil {
			t.Errorf("with %v: %v", allow, still)
		}
	}
}

// The control function refuses what is not a TCP address.
func TestControlRefusesOtherNetworks(t *testing.T) {
	control := newGuard(Policy{AllowHTTP: true}).control(true)
	for _, test := range [][2]string{{"udp4", "8.8.8.8:80"}, {"unix", "/run/x.sock"}, {"tcp4", "nonsense"}, {"tcp4", "8.8.8.8"}} {
		if control(test[0], test[1], nil) == nil {
			t.Errorf("%v was admitted", test)
		}
	}
	if err := control("tcp4", "8.8.8.8:25", nil); err != nil {
		t.Error("any port of a public address is admitted, yet:", err)
	}
}

// forbiddenByStandardLibrary is a second opinion on an address, from other code.
func forbiddenByStandardLibrary(addr netip.Addr) bool {
	ip := net.IP(addr.AsSlice())
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() ||
		ip.Equal(net.IPv4bcast)
}

func FuzzCheckAddress(f *testing.F) {
	for _, v4 := range []string{"127.0.0.1", "10.0.0.1", "8.8.8.8", "169.254.169.254"} {
		for _, addr := range spellings(netip.MustParseAddr(v4).As4()) {
			b := addr.As16()
			f.Add(b[:])
		}
	}
	f.Add([]byte{8, 8, 8, 8})
	strict, open := newGuard(Policy{}), newGuard(Policy{Allow: prefixes(f, "0.0.0.0/0", "::/0"), AllowLoopback: true, AllowHTTP: true})
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if strict.check(addr, false) == nil && forbiddenByStandardLibrary(addr) {
			t.Fatalf("%s was admitted", addr)
		}
		if plain := addr.Unmap(); plain.Is4() {
			for form, spelled := range spellings(plain.As4()) {
				if strict.check(spelled, false) == nil && forbiddenByStandardLibrary(plain) {
					t.Fatalf("%s of %s (%s) was admitted", form, plain, spelled)
				}
			}
		}
		if strict.check(addr, false) == nil && open.check(addr, true) != nil {
			t.Fatalf("%s is refused by the wider policy alone", addr)
		}
		if ip := net.IP(b); (ip.IsMulticast() || ip.IsUnspecified() || ip.IsLinkLocalUnicast()) && open.check(addr, true) == nil {
			t.Fatalf("%s was opened by a policy that does not name it", addr)
		}
	})
}
