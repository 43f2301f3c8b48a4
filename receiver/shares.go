package receiver

import (
	"fmt"
	"net/netip"
	"sync"
)

// shares bounds a resource: as a whole, for each client and for each source, so that one address without a secret, or many
// that attack one source, leave room for the others.
type shares struct {
	max int64

	mu      sync.Mutex
	used    int64
	clients map[netip.Addr]int64
	sources map[string]int64
}

func newShares(limit int64) *shares {
	return &shares{max: limit, clients: map[netip.Addr]int64{}, sources: map[string]int64{}}
}

// clientShare is the part of a limit for one client: half of it.
func clientShare(limit int64) int64 { return (limit + 1) / 2 }

// sourceShare is the part of a limit for one source: three quarters of it.
func sourceShare(limit int64) int64 { return (3*limit + 3) / 4 }

// take takes n for a holder and returns noBound, or the bound that n would exceed. A share is never under least. An
// unknown client and a source that is the only one have no share.
func (s *shares) take(n int64, h holder, least int64) bound {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case h.client.IsValid() && s.clients[h.client]+n > max(clientShare(s.max), least):
		return ofClient
	case h.source != "" && s.sources[h.source]+n > max(sourceShare(s.max), least):
		return ofSource
	case s.used+n > s.max:
		return ofAll
	}
	s.used += n
	s.sources[h.source] += n
	s.clients[h.client] += n
	return noBound
}

// release gives n back.
func (s *shares) release(n int64, h holder) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
	subtract(s.sources, h.source, n)
	subtract(s.clients, h.client, n)
}

// subtract removes an entry that falls to 0, so that strangers cannot fill the map.
func subtract[K comparable](held map[K]int64, key K, n int64) {
	if held[key] -= n; held[key] == 0 {
		delete(held, key)
	}
}

// holder is the client and the source of a request.
type holder struct {
	client netip.Addr // an IPv6 client is its network of 64 bits; the zero value if it is unknown
	source string     // empty: it is the only source
}

// bound is the part of a limit that is used up.
type bound string

const (
	noBound  bound = ""
	ofClient bound = "client"
	ofSource bound = "source"
	ofAll    bound = "all"
)

// bounds lists every bound that a request can meet.
func bounds() []string { return []string{string(ofClient), string(ofSource), string(ofAll)} }

// proxyHint says what to do about a client with its whole share.
const proxyHint = "if it is your proxy, list it in trusted_proxies; otherwise it floods this receiver"

// usedUp says for the log which bound of a limit is used up.
func (b bound) usedUp(limit string, h holder) error {
	switch b {
	case ofClient:
		return fmt.Errorf("the client %v uses its half of %s: %s", h.client, limit, proxyHint)
	case ofSource:
		return fmt.Errorf("this source uses its three quarters of %s: raise the limit, or see why it sends so much", limit)
	default:
		return fmt.Errorf("%s is used up: raise it, or add receivers", limit)
	}
}
