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

// health is the meaning of one attempt for its route.
type health int

const (
	healthUnknown health = iota // none: the event was filtered, or the attempt was interrupted or crashed
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

// breaker is a circuit breaker over the latest events of a route. It keeps the last attempt of each event only, so that
// one event that always fails counts once.
type breaker struct {
	Pause

	mu     sync.Mutex
	latest []attempted // at most Of, oldest first
}

// attempted is the last attempt of one event.
type attempted struct {
	event string // its identity
	bad   bool
}

// trips adds an attempt and reports whether the route has to pause.
func (b *breaker) trips(e event.Event, h health) bool {
	if b.Of == 0 || h == healthUnknown {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	id := identity(e)
	b.latest = slices.DeleteFunc(b.latest, func(a attempted) bool { return a.event == id })
	if len(b.latest) == b.Of {
		b.latest = slices.Delete(b.latest, 0, 1)
	}
	b.latest = append(b.latest, attempted{id, h == healthBad})
	bad := 0
	for _, a := range b.latest {
		if a.bad {
			bad++
		}
	}
	return len(b.latest) == b.Of && float64(bad) >= b.Ratio*float64(b.Of)
}

// reset forgets all attempts.
func (b *breaker) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latest = nil
}
