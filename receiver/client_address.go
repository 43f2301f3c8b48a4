package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trustedProxies are the networks of proxies whose X-Forwarded-For or X-Real-IP names the client.
type trustedProxies []netip.Prefix

// client returns the address of the client, for the log. This is the peer of the connection, unless the peer is a trusted
// proxy. Each proxy appends the address that it saw to X-Forwarded-For, so the client is the rightmost address outside the
// trusted networks. The addresses to the left of it can be forged.
func (p trustedProxies) client(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return clip(r.RemoteAddr, 64)
	}
	client := peer.Addr().Unmap()
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
	return client.String()
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
