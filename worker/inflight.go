package worker

import (
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// inflight holds the deliveries of one route that are in progress, and counts the route's abandoned calls: calls of a
// handler that ignores the end of its context. An abandoned call has left the route's concurrency, and runs until the
// handler returns.
type inflight struct {
	mu         sync.Mutex
	deliveries map[*event.Delivery]struct{}
	abandoned  map[string]int // number of calls by identity of the event
}

func newInflight() *inflight {
	return &inflight{deliveries: map[*event.Delivery]struct{}{}, abandoned: map[string]int{}}
}

func (f *inflight) add(d *event.Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliveries[d] = struct{}{}
}

func (f *inflight) remove(d *event.Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.deliveries, d)
}

// abandon adds n to the number of abandoned calls for the event: 1 for a new one, -1 for one that has returned.
func (f *inflight) abandon(e event.Event, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := identity(e)
	if f.abandoned[id] += n; f.abandoned[id] == 0 {
		delete(f.abandoned, id)
	}
}

// hasAbandoned reports whether an abandoned call for the event still runs.
func (f *inflight) hasAbandoned(e event.Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.abandoned[identity(e)] > 0
}

// abandonedCalls returns the number of abandoned calls that still run.
func (f *inflight) abandonedCalls() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, calls := range f.abandoned {
		n += calls
	}
	return float64(n)
}

// size returns the number of deliveries.
func (f *inflight) size() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return float64(len(f.deliveries))
}

// oldestAge returns the time in seconds since the oldest event was received, and 0 without deliveries.
func (f *inflight) oldestAge() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	age := time.Duration(0)
	for d := range f.deliveries {
		age = max(age, time.Since(d.Event.Time))
	}
	return age.Seconds()
}

// identity returns a text that only this event has: source, action and ID.
func identity(e event.Event) string { return e.Key() + " " + e.ID }
