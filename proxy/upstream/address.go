package upstream

import (
	"net/netip"
	"strings"
)

// ParseIPv4 reads an IPv4 address as nginx does, to whom 10.0.0.01 is one, too.
//
// Source: nginx ngx_inet.c, ngx_inet_addr.
func ParseIPv4(text string) (netip.Addr, bool) {
	var octets [4]byte
	parts := strings.Split(text, ".")
	if len(parts) != len(octets) {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		n, ok := 0, true
		if part != "" { // an empty one is 0
			n, ok = count(part)
		}
		if !ok || n > 255 {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
	}
	return netip.AddrFrom4(octets), true
}
