package scenarios

import (
	"net/netip"
	"slices"

	"sessionlab/lab"
	"sessionlab/scenarios/script"
)

// WrittenPorts are the front's logical "address:port"s whose port somebody wrote:
// port= of the proxy line, or any in an attached nginx.conf, where a server without
// listen has nginx's 80. The default of a proxy line without port= is nobody's.
// They are sorted; nil for a scenario that cannot be planned.
func WrittenPorts(sc *script.Scenario) []netip.AddrPort {
	p, err := PlanOf(sc)
	if err != nil {
		return nil // Check tells
	}
	host := p.ProxyAddr
	if host == "" {
		host = lab.DefaultProxyAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	_, attached := sc.Attachment(NginxConf)
	if !attached && !sc.Noun("proxy").Options.Has("port") {
		return nil
	}
	var ports []netip.AddrPort
	for _, server := range p.Proxy.Servers {
		listen := server.Listen
		if len(listen) == 0 {
			listen = []int{80}
		}
		for _, port := range listen {
			ports = append(ports, netip.AddrPortFrom(addr, uint16(port)))
		}
	}
	slices.SortFunc(ports, netip.AddrPort.Compare)
	return slices.Compact(ports)
}
