package receiver

import (
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

// take takes n for a holder, unless that exceeds the limit or a share. A share is never under least. An unknown client,
// whose address is the zero value, has no share.
func (s *shares) take(n int64, h holder, least int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.max || s.sources[h.source]+n > max(sourceShare(s.max), least) {
		return false
	}
	if h.client.IsValid() && s.clients[h.client]+n > max(clientShare(s.max), least) {
		return false
	}
	s.used += n
	s.sources[h.source] += n
	s.clients[h.client] += n
	return true
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

// subtract removes what falls to 0, so that strangers cannot fill the map.
func subtract[K comparable](held map[K]int64, key K, n int64) {
	if held[key] -= n; held[key] == 0 {
		delete(held, key)
	}
}

// holder is the client and the source of a request.
type holder struct {
	client netip.Addr // an IPv6 client is its network of 64 bits
	source string
}
