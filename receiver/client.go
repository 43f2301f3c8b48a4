package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client is who asks, for the log: the peer of the connection, unless that is a trusted proxy, which says for whom it
// asks. Each proxy adds the address that it saw at the right of X-Forwarded-For, so the rightmost one that is no
// trusted proxy counts: what stands to its left, anybody can have written.
func (rc *Receiver) client(r *http.Request) string {
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
		if !rc.trusts(client) {
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

func (rc *Receiver) trusts(proxy netip.Addr) bool {
	return slices.ContainsFunc(rc.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(proxy) })
}

// parseHop reads an address, which some proxies write with a port.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	withPort, err := netip.ParseAddrPort(text)
	return withPort.Addr().Unmap().WithZone(""), err == nil
}
