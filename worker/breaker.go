package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Pause says when a route stops taking events since they fail, and for how long. Failed attempts follow Retry
// meanwhile; everything else waits in the queue instead of becoming a dead letter.
type Pause struct {
	Ratio float64       `yaml:"ratio"` // of the latest events, the part that has to fail; more than 0, at most 1
	Of    int           `yaml:"of"`    // how many latest events are looked at; 0: the route never pauses; at most MaxPauseOf
	First time.Duration `yaml:"first"` // until one event is tried; doubled each time that it fails; more than 0
	Max   time.Duration `yaml:"max"`   // from First to MaxDelay
}

// MaxPauseOf is the largest Pause.Of.
const MaxPauseOf = 1000

func (p Pause) check(wrong func(field, format string, args ...any)) {
	if !(p.Ratio > 0 && p.Ratio <= 1) {
		wrong("pause.ratio", "is %v; must be more than 0 and at most 1, which is all", p.Ratio)
	}
	if p.Of < 0 || p.Of > MaxPauseOf {
		wrong("pause.of", "is %d; must be 1 to %d, or 0 for no pause", p.Of, MaxPauseOf)
	}
	if p.First <= 0 {
		wrong("pause.first", "is %v; must be more than 0", p.First)
	}
	if p.Max < p.First || p.Max > MaxDelay {
		wrong("pause.max", "is %v; must be pause.first (%v) to %v", p.Max, p.First, MaxDelay)
	}
}

// health is what one try says about its route.
type health int

const (
	healthUnknown health = iota // nothing: filtered, interrupted, or ended with another process
	healthGood
	healthBad
)

func healthOf(r result, o broker.Outcome) health {
	switch {
	case r.filtered, o.Verdict == broker.VerdictRequeue, o.Reason == broker.ReasonCrashed:
		return healthUnknown
	case o.Verdict == broker.VerdictAck:
		return healthGood
	}
	return healthBad
}

// breaker sees how the latest events fare. Of each it knows the last try only, so that one event that always fails
// counts once, however often it is tried.
type breaker struct {
	Pause

	mu   sync.Mutex
	seen []sighting // at most Of, the latest last
}

type sighting struct {
	event string
	bad   bool
}

// trips takes note of a try and tells whether the route has to pause.
func (b *breaker) trips(e event.Event, h health) bool {
	if b.Of == 0 || h == healthUnknown {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := nameOf(e)
	b.seen = slices.DeleteFunc(b.seen, func(s sighting) bool { return s.event == key })
	if len(b.seen) == b.Of {
		b.seen = slices.Delete(b.seen, 0, 1)
	}
	b.seen = append(b.seen, sighting{key, h == healthBad})
	bad := 0
	for _, s := range b.seen {
		if s.bad {
			bad++
		}
	}
	return len(b.seen) == b.Of && float64(bad) >= b.Ratio*float64(b.Of)
}

// forget makes a new beginning.
func (b *breaker) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = nil
}

// nameOf tells an event from all others.
func nameOf(e event.Event) string { return e.Key() + " " + e.ID }
