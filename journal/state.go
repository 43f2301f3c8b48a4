package journal

import (
	"slices"
	"time"
)

// State is the state of an event on a route, or on all its routes together.
type State string

// The states. Of an event on several routes, it is the first of Dead, Failing, Waiting, Done and Filtered that one of them has.
const (
	StateWaiting  State = "waiting" // stored; no attempt has ended
	StateDone     State = "done"
	StateFiltered State = "filtered" // the route's where left the event out
	StateUnrouted State = "unrouted" // it matched no route
	StateFailing  State = "failing"  // the last attempt failed, and another follows
	StateDead     State = "dead"     // a dead letter
)

// states are the states by their numbers in the file. An index has all but StateDone, because most events are done.
func states() []State {
	return []State{StateDone, StateFiltered, StateWaiting, StateUnrouted, StateFailing, StateDead}
}

// number returns a state's number in the file, and -1 for another text.
func (s State) number() int { return slices.Index(states(), s) }

func stateOf(number int) State {
	if all := states(); number >= 0 && number < len(all) {
		return all[number]
	}
	return StateWaiting
}

// failed reports whether the last attempt failed.
func (s State) failed() bool { return s == StateFailing || s == StateDead }

// RouteState is the state of an event on one route, by the attempts that the journal knows. A route without an attempt has none.
type RouteState struct {
	Route    string
	State    State
	Attempts int       // that ended, without interrupted ones
	Last     time.Time // start of the last attempt
	Reason   string    // of the last attempt, if it failed
	Error    string    // of the last attempt, if it failed
	Next     time.Time // of a failing event: the earliest time of its next attempt
}

// routeStates returns the state of each route, in the order of their first attempts. The attempt that started last decides.
func routeStates(attempts []Attempt) []RouteState {
	var all []RouteState
	for _, a := range attempts {
		i := slices.IndexFunc(all, func(r RouteState) bool { return r.Route == a.Route })
		if i < 0 {
			i = len(all)
			all = append(all, RouteState{Route: a.Route, State: StateWaiting})
		}
		all[i].add(a)
	}
	return all
}

func (r *RouteState) add(a Attempt) {
	if a.Outcome == Requeued {
		return
	}
	r.Attempts++
	if a.Start.Before(r.Last) {
		return
	}
	r.Last, r.Reason, r.Error, r.Next = a.Start, a.Reason, a.Error, a.Next
	switch a.Outcome {
	case Done:
		r.State = StateDone
	case Filtered:
		r.State = StateFiltered
	case Dead:
		r.State = StateDead
	default:
		r.State = StateFailing
	}
}

// eventState returns the state of an event as a whole.
func eventState(unrouted bool, routes []RouteState) State {
	if len(routes) == 0 {
		if unrouted {
			return StateUnrouted
		}
		return StateWaiting
	}
	for _, s := range []State{StateDead, StateFailing, StateWaiting, StateDone} {
		if slices.ContainsFunc(routes, func(r RouteState) bool { return r.State == s }) {
			return s
		}
	}
	return StateFiltered
}
