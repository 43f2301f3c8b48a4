package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trustedProxies are the networks of proxies whose X-Forwarded-For or X-Real-IP names the client.
type trustedProxies []netip.Prefix

// client returns the address of the client. This is the peer of the connection, unless the peer is a trusted
// proxy. Each proxy appends the address that it saw to X-Forwarded-For, so the client is the rightmost address outside the
// trusted networks. The addresses to the left of it can be forged.
func (p trustedProxies) client(r *http.Request) string {
	if client := p.address(r); client.IsValid() {
		return client.String()
	}
	return clip(r.RemoteAddr, 64)
}

// holder returns the client for its share: the network of 64 bits of an IPv6 address, because its user can take any of it. It is
// invalid for a proxy that names no client, and without an address, as on a function platform.
func (p trustedProxies) holder(r *http.Request) netip.Addr {
	client := p.address(r)
	if !client.IsValid() || p.contain(client) {
		return netip.Addr{}
	}
	return network(client)
}

// network returns the first address of an IPv6 address's network of 64 bits, and an IPv4 address itself.
func network(client netip.Addr) netip.Addr {
	if client.Is4() {
		return client
	}
	return netip.PrefixFrom(client, 64).Masked().Addr()
}

// address is client as an address; the zero value without one.
func (p trustedProxies) address(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := peer.Addr().Unmap().WithZone("")
	if !p.contain(client) {
		return client
	}
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 {
		forwarded = r.Header.Values("X-Real-Ip")
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !p.contain(client) {
			break
		}
		before, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		client = before
	}
	return client
}

func (p trustedProxies) contain(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// parseHop parses an address. Some proxies append a port to it.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	withPort, err := netip.ParseAddrPort(text)
	return withPort.Addr().Unmap().WithZone(""), err == nil
}
