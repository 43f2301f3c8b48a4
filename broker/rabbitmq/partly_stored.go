package rabbitmq

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/recent"
)

// maxPartly bounds partlyStored. It forgets the oldest half beyond it: a repeat of such an event goes to all its routes again.
const maxPartly = 20_000

// partlyStored remembers the routes that lack an event, while others have it: for the window of duplicates, because a later repeat is a
// new event.
type partlyStored struct {
	window time.Duration
	count  atomic.Int64 // of events, so that the usual publish takes no lock

	mu     sync.Mutex
	events *recent.Map[broker.Fingerprint, lackingRoutes]
}

// lackingRoutes are the routes that lack an event, and the time at which a receiver took it first.
type lackingRoutes struct {
	names []string
	taken time.Time
}

func newPartlyStored(window time.Duration) *partlyStored {
	return &partlyStored{window: window, events: recent.NewMap[broker.Fingerprint, lackingRoutes](maxPartly)}
}

// lacking returns the routes that lack an event that a receiver took at a time, and nil if all may lack it.
func (p *partlyStored) lacking(f broker.Fingerprint, at time.Time) []string {
	if p.count.Load() == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	routes, known := p.events.Get(f)
	if !known || !p.isOne(routes, at) {
		return nil
	}
	return slices.Clone(routes.names)
}

// isOne reports whether an event of the time at is the one that routes lack, and not another event with its ID.
func (p *partlyStored) isOne(routes lackingRoutes, at time.Time) bool {
	return at.Sub(routes.taken).Abs() < p.window
}

// set notes which of the tried routes have stored the event now, and which lack it. It reports whether all routes have it. That is unknown
// if nobody has noted the routes before: then the answer is false.
func (p *partlyStored) set(f broker.Fingerprint, at time.Time, stored, lacking []string) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	routes, known := p.events.Get(f)
	isOther := known && !p.isOne(routes, at)
	if isOther && (len(lacking) == 0 || at.Before(routes.taken)) {
		return false // the remembered event is the one that matters
	}
	if isOther || !known {
		routes = lackingRoutes{taken: at}
	}
	rest := slices.DeleteFunc(slices.Clone(routes.names), func(route string) bool { return slices.Contains(stored, route) })
	for _, route := range lacking {
		if !slices.Contains(rest, route) {
			rest = append(rest, route)
		}
	}
	p.events.Delete(f)
	if len(rest) > 0 {
		p.events.Put(f, lackingRoutes{rest, routes.taken})
	}
	p.count.Store(int64(p.events.Len()))
	return known && len(rest) == 0
}
