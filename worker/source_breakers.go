package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// otherSources is the name of the sources that the configuration lacks. They share a breaker, so that the number of
	// breakers and of metrics is bounded.
	otherSources = "(other)"
	// postponeBudget bounds the postponed events between two rests of a route, in bytes. A broker writes each of them to its
	// disk again.
	postponeBudget = 256 << 20
	// postponeCost is the cost of a postponed event besides its body: 16,384 small events use up the budget.
	postponeCost = 16 << 10
)

// sourceBreakers are the circuit breakers of one route, one for each source. While a source is paused, its events are
// postponed, so that the events of the other sources behind them in the queue are handled. A route whose sources are all
// paused fetches nothing until the next try of one of them. It is safe for concurrent use.
type sourceBreakers struct {
	Pause
	route string

	mu        sync.Mutex
	bySource  map[string]*breaker // the configured sources, and otherSources
	postponed int64               // bytes since the last rest
	rest      time.Time           // end of the last rest
}

func newSourceBreakers(r Route) *sourceBreakers {
	b := &sourceBreakers{Pause: r.Pause, route: r.Name, bySource: map[string]*breaker{otherSources: {}}}
	for _, source := range r.Sources {
		b.bySource[source] = &breaker{}
	}
	return b
}

// label returns the name under which a source has its breaker.
func (b *sourceBreakers) label(source string) string {
	if _, ok := b.bySource[source]; ok { // the map never changes
		return source
	}
	return otherSources
}

// sources returns the names of the breakers.
func (b *sourceBreakers) sources() []string {
	var names []string
	for name := range b.bySource {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// admission is the decision about a delivery.
type admission struct {
	wait  time.Duration // more than 0: the delivery is postponed for so long
	probe bool          // the delivery is the try of a paused source
}

// admit decides whether an event may be handled now. Call record after an admitted one.
func (b *sourceBreakers) admit(e event.Event) admission {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.bySource[b.label(e.Source)].pause
	if p == nil {
		return admission{}
	}
	wait := time.Until(p.next)
	switch {
	case p.probing:
		wait = b.First
	case wait <= 0:
		p.probing = true
		return admission{probe: true}
	}
	if b.postponed += int64(len(e.Data)) + postponeCost; b.postponed > postponeBudget {
		b.postponed, b.rest = 0, time.Now().Add(b.First)
	}
	return admission{wait: wait}
}

// change is the effect of one attempt on its source.
type change int

const (
	unchanged change = iota
	sourcePaused
	sourceResumed
)

// record adds the attempt of an admitted delivery. pausedFor is how long a resumed source was paused, and the wait before the
// next try of a paused one.
func (b *sourceBreakers) record(e event.Event, a admission, h attemptHealth, o broker.Outcome) (c change, pausedFor time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	source := b.bySource[b.label(e.Source)]
	switch p := source.pause; {
	case p == nil:
		if !source.trips(b.Pause, e, h) {
			return unchanged, 0
		}
		now := time.Now()
		*source = breaker{pause: &pause{since: now, wait: b.First, next: now.Add(b.First), reason: o.Reason, err: o.Err}}
		return sourcePaused, b.First
	case !a.probe: // it had begun before the pause
		return unchanged, 0
	case h == healthGood:
		source.pause = nil
		return sourceResumed, time.Since(p.since)
	case h == healthBad:
		p.wait = min(2*p.wait, b.Max)
		p.next, p.reason, p.err = time.Now().Add(p.wait), o.Reason, o.Err
		fallthrough
	default:
		p.probing = false
		return unchanged, 0
	}
}

// next returns how many events the route may work on at once after a wait: all that its concurrency allows while a source is
// not paused, and one as the try of a paused source.
func (b *sourceBreakers) next(concurrency int) (n int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var earliest time.Time
	for name, source := range b.bySource {
		switch {
		case source.pause != nil:
			if next := source.pause.next; earliest.IsZero() || next.Before(earliest) {
				earliest = next
			}
		case name != otherSources || len(b.bySource) == 1:
			return concurrency, max(0, time.Until(b.rest))
		}
	}
	return 1, max(0, time.Until(earliest), time.Until(b.rest))
}

// paused returns the number of paused sources, of all or of one.
func (b *sourceBreakers) paused(of string) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0.0
	for name, source := range b.bySource {
		if source.pause != nil && (of == "" || of == name) {
			n++
		}
	}
	return n
}

// state returns the paused sources in the order of their names.
func (b *sourceBreakers) state() []PausedSource {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []PausedSource
	for _, name := range b.sources() {
		if p := b.bySource[name].pause; p != nil {
			all = append(all, PausedSource{
				Route: b.route, Source: name, Since: p.since.UTC(), NextTry: p.next.UTC(), Reason: p.reason, Error: errorText(p.err),
			})
		}
	}
	return all
}
