package worker

import (
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// attemptHealth is the meaning of one attempt for its source on its route.
type attemptHealth int

const (
	healthUnknown attemptHealth = iota // says nothing about the target: filtered, permanent, interrupted or crashed
	healthGood
	healthBad
)

// healthOf returns the meaning of an attempt. A permanent failure and a failed filter are faults of one event: no wait helps
// them, and the event is a dead letter already.
func healthOf(r result, o broker.Outcome) attemptHealth {
	switch {
	case o.Verdict == broker.VerdictAck && !r.filtered:
		return healthGood
	case o.Reason == ReasonError, o.Reason == ReasonTimeout, o.Reason == ReasonPanic:
		return healthBad
	}
	return healthUnknown
}

// breaker is a circuit breaker over the latest events of one source on a route. It keeps the last attempt of each event
// only, so that one event that always fails counts once. It is open while it has a pause.
type breaker struct {
	latest []attempted // at most Pause.Of, oldest first
	pause  *pause      // nil: closed
}

// attempted is the last attempt of one event.
type attempted struct {
	event string // its identity
	bad   bool
}

// pause is the time in which a source's events wait.
type pause struct {
	since   time.Time
	wait    time.Duration // from the last failure to the next try
	next    time.Time     // time of the next try
	probing bool          // the next try runs
	reason  string        // reason of the last failure
	err     error         // the last failure
}

// trips adds an attempt and reports whether the source has to pause.
func (b *breaker) trips(p Pause, e event.Event, h attemptHealth) bool {
	if p.Of == 0 || h == healthUnknown {
		return false
	}
	id := identity(e)
	b.latest = slices.DeleteFunc(b.latest, func(a attempted) bool { return a.event == id })
	if len(b.latest) == p.Of {
		b.latest = slices.Delete(b.latest, 0, 1)
	}
	b.latest = append(b.latest, attempted{id, h == healthBad})
	bad := 0
	for _, a := range b.latest {
		if a.bad {
			bad++
		}
	}
	return len(b.latest) == p.Of && float64(bad) >= p.Ratio*float64(p.Of)
}
