package worker

import (
	"slices"
	"sync"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// attemptHealth is the meaning of one attempt for its route.
type attemptHealth int

const (
	healthUnknown attemptHealth = iota // the event was filtered, or the attempt was interrupted or crashed
	healthGood
	healthBad
)

func healthOf(r result, o broker.Outcome) attemptHealth {
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
func (b *breaker) trips(e event.Event, h attemptHealth) bool {
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
