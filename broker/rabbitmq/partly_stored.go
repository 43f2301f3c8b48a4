package rabbitmq

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hookline/hookline/broker"
)

// maxPartly bounds partlyStored. It forgets the oldest half beyond it: a repeat of such an event goes to all its routes again.
const maxPartly = 20_000

// partlyStored remembers the routes that lack an event, while others have it, in two generations. A restart forgets all.
type partlyStored struct {
	count atomic.Int64 // of events, so that the usual publish takes no lock

	mu         sync.Mutex
	young, old map[broker.Fingerprint][]string
}

// lacking returns the routes that lack an event, and nil if all may lack it.
func (p *partlyStored) lacking(f broker.Fingerprint) []string {
	if p.count.Load() == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.get(f))
}

func (p *partlyStored) get(f broker.Fingerprint) []string {
	if routes, ok := p.young[f]; ok {
		return routes
	}
	return p.old[f]
}

// set notes which of the tried routes have stored the event now, and which lack it. It reports whether all routes have it. That is unknown
// after a restart, if not all routes were tried: then the answer is false.
func (p *partlyStored) set(f broker.Fingerprint, stored, lacking []string) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest, known := slices.Clone(p.get(f)), p.get(f) != nil
	rest = slices.DeleteFunc(rest, func(route string) bool { return slices.Contains(stored, route) })
	for _, route := range lacking {
		if !slices.Contains(rest, route) {
			rest = append(rest, route)
		}
	}
	delete(p.young, f)
	delete(p.old, f)
	if len(rest) > 0 {
		if len(p.young) >= maxPartly/2 {
			p.young, p.old = nil, p.young
		}
		if p.young == nil {
			p.young = map[broker.Fingerprint][]string{}
		}
		p.young[f] = rest
	}
	p.count.Store(int64(len(p.young) + len(p.old)))
	return known && len(rest) == 0
}
