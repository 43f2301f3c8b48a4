package rabbitmq

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/recent"
)

// maxPartly bounds partlyStored. It forgets the oldest half beyond it: a repeat of such an event goes to all its routes again.
const maxPartly = 20_000

// partlyStored remembers the routes that lack an event, while others have it. A restart forgets all.
type partlyStored struct {
	count atomic.Int64 // of events, so that the usual publish takes no lock

	mu     sync.Mutex
	events *recent.Map[broker.Fingerprint, []string]
}

func newPartlyStored() *partlyStored {
	return &partlyStored{events: recent.NewMap[broker.Fingerprint, []string](maxPartly)}
}

// lacking returns the routes that lack an event, and nil if all may lack it.
func (p *partlyStored) lacking(f broker.Fingerprint) []string {
	if p.count.Load() == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	routes, _ := p.events.Get(f)
	return slices.Clone(routes)
}

// set notes which of the tried routes have stored the event now, and which lack it. It reports whether all routes have it. That is unknown
// after a restart, if not all routes were tried: then the answer is false.
func (p *partlyStored) set(f broker.Fingerprint, stored, lacking []string) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	routes, known := p.events.Get(f)
	rest := slices.DeleteFunc(slices.Clone(routes), func(route string) bool { return slices.Contains(stored, route) })
	for _, route := range lacking {
		if !slices.Contains(rest, route) {
			rest = append(rest, route)
		}
	}
	p.events.Delete(f)
	if len(rest) > 0 {
		p.events.Put(f, rest)
	}
	p.count.Store(int64(p.events.Len()))
	return known && len(rest) == 0
}
