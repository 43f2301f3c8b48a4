package console

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	maxTries   = 5                // wrong passwords of one address in a window
	triesAfter = 15 * time.Minute // the window, from the first wrong password
	maxTriers  = 10_000           // addresses that are remembered; more share one count
)

// attempts counts wrong passwords by address, so that nobody can guess many.
type attempts struct {
	mu sync.Mutex
	by map[netip.Prefix]tries
}

type tries struct {
	wrong int
	until time.Time
}

func newAttempts() *attempts { return &attempts{by: map[netip.Prefix]tries{}} }

// take counts a try as wrong, until ok takes it back. left are the tries after this one; a negative number refuses it. The count begins anew
// at until.
func (a *attempts) take(from netip.Prefix, now time.Time) (left int, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.by[from]
	if !now.Before(t.until) {
		t = tries{until: now.Add(triesAfter)}
	}
	if _, known := a.by[from]; !known && len(a.by) >= maxTriers {
		a.prune(now)
		if len(a.by) >= maxTriers {
			from = netip.Prefix{}
			if t = a.by[from]; !now.Before(t.until) {
				t = tries{until: now.Add(triesAfter)}
			}
		}
	}
	if t.wrong >= maxTries {
		return -1, t.until
	}
	t.wrong++
	a.by[from] = t
	return maxTries - t.wrong, t.until
}

// ok forgets the wrong tries of an address.
func (a *attempts) ok(from netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, from)
}

func (a *attempts) prune(now time.Time) {
	for from, t := range a.by {
		if !now.Before(t.until) {
			delete(a.by, from)
		}
	}
}

// network returns the address of a request; of IPv6, its network of 64 bits, because one machine has all of its addresses.
func network(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	if address = address.Unmap(); address.Is4() {
		bits = 32
	}
	prefix, _ := address.WithZone("").Prefix(bits)
	return prefix
}
