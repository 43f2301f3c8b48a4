package whatif

import (
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

// State is the state of an event on a route of one side.
type State string

const (
	unmatched State = "unmatched" // the event does not match the route, or there is no such route
	filtered  State = "filtered"  // the route's where leaves it out
	taken     State = "taken"     // the handler would do its work
	failed    State = "failed"    // where or the handler would fail
)

// result is what a route would do with an event.
type result struct {
	state   State
	parts   []handler.Part
	err     string // of a failed event
	unknown []string
}

// on returns the result on a route.
func on(results map[string]result, route string) result {
	if r, matched := results[route]; matched {
		return r
	}
	return result{state: unmatched}
}

func newResult(p worker.Preview) result {
	r := result{state: taken, parts: p.Handler.Parts, unknown: p.Handler.Unknown}
	switch {
	case p.Err != nil:
		r.state, r.err, r.parts = failed, p.Reason+": "+p.Err.Error(), nil
	case p.Filtered:
		r.state = filtered
	}
	return r
}

func (r result) idle() bool { return r.state == unmatched || r.state == filtered }

// Kind is a kind of difference between the two results of an event on a route.
type Kind string

// The kinds of differences. An event has at most one of them on a route.
const (
	New      Kind = "new"      // the handler gets an event that did not match the route before
	Gone     Kind = "gone"     // the event no longer matches the route
	Filtered Kind = "filtered" // the route's where decides differently
	Output   Kind = "output"   // the handler makes something else of it
	Failed   Kind = "failed"   // it fails now, or for another reason than before
	Repaired Kind = "repaired" // it failed before, and no longer fails
)

// Kinds lists the kinds in the order of reports.
func Kinds() []Kind { return []Kind{New, Gone, Filtered, Output, Failed, Repaired} }

// compare returns the kind of the difference, or "" if nothing differs for anybody.
func compare(before, now result) Kind {
	switch {
	case now.state == failed:
		if before.state == failed && before.err == now.err {
			return ""
		}
		return Failed
	case before.state == failed && now.state == unmatched:
		return Gone
	case before.state == failed:
		return Repaired
	case before.idle() && now.idle():
		return ""
	case before.state == unmatched:
		return New
	case now.state == unmatched:
		return Gone
	case before.state != now.state:
		return Filtered
	case len(differing(before.parts, now.parts)) > 0:
		return Output
	}
	return ""
}
