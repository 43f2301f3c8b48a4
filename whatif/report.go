package whatif

import (
	"slices"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Report says how two configurations differ over recorded events.
type Report struct {
	Events int       `json:"events"`
	First  time.Time `json:"first"` // time of receipt of the oldest event; zero without events
	Last   time.Time `json:"last"`
	// Unrouted counts the events that match no route.
	Unrouted Change `json:"unrouted"`
	// Routes are those of the new configuration in its order, and then the removed ones.
	Routes []*Route `json:"routes"`

	samples int
	byName  map[string]*Route
}

// Change is a number of events with each configuration.
type Change struct {
	Before int `json:"before"`
	Now    int `json:"now"`
}

// Route is the part of a Report about one route.
type Route struct {
	Route string `json:"route"`
	// Change is added or removed, or "" if both configurations have the route.
	Change string `json:"change"`
	// Taken counts the events that match the route and that where chooses. An event for which where fails counts, too.
	Taken Change `json:"taken"`
	// Differences counts the events of each kind of difference, also those that are 0.
	Differences map[Kind]int `json:"differences"`
	// Unknown says in one sentence each what was not compared, because it is not known without effects.
	Unknown []string `json:"unknown"`
	Samples []Sample `json:"samples"`

	alike map[string]int // events by their kind and the names of the parts that differ
}

// Sample is an event that differs.
type Sample struct {
	Kind   Kind      `json:"kind"`
	Source string    `json:"source"`
	Action string    `json:"action"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	// Before and Now are unmatched, filtered, taken or failed.
	Before State `json:"before"`
	Now    State `json:"now"`
	// ErrorBefore and ErrorNow are the errors of a failed event.
	ErrorBefore string `json:"error_before,omitempty"`
	ErrorNow    string `json:"error_now,omitempty"`
	// Parts are the parts of the handler's work that differ.
	Parts []Part `json:"parts,omitempty"`
}

func newReport(before, now Side, samples int) *Report {
	r := &Report{samples: samples, byName: map[string]*Route{}}
	had := func(routes []broker.Route, name string) bool {
		return slices.ContainsFunc(routes, func(r broker.Route) bool { return r.Name == name })
	}
	for _, route := range slices.Concat(now.Routes, before.Routes) {
		if r.byName[route.Name] != nil {
			continue
		}
		one := &Route{Route: route.Name, Differences: map[Kind]int{}, Unknown: []string{}, Samples: []Sample{}, alike: map[string]int{}}
		for _, kind := range Kinds() {
			one.Differences[kind] = 0
		}
		switch {
		case !had(before.Routes, route.Name):
			one.Change = "added"
		case !had(now.Routes, route.Name):
			one.Change = "removed"
		}
		r.Routes, r.byName[route.Name] = append(r.Routes, one), one
	}
	return r
}

// Differs tells whether an event would be routed or handled differently.
func (r *Report) Differs() bool { return slices.ContainsFunc(r.Routes, (*Route).Differs) }

// Differs tells whether an event would be routed to the route or handled there differently.
func (r *Route) Differs() bool {
	return slices.ContainsFunc(Kinds(), func(k Kind) bool { return r.Differences[k] > 0 })
}

// add compares the results of an event by route.
func (r *Report) add(e event.Event, before, now map[string]result) {
	r.Events++
	if r.First.IsZero() || e.Time.Before(r.First) {
		r.First = e.Time
	}
	if e.Time.After(r.Last) {
		r.Last = e.Time
	}
	r.Unrouted.count(len(before) == 0, len(now) == 0)
	for _, route := range r.Routes {
		route.add(e, on(before, route.Route), on(now, route.Route), r.samples)
	}
}

func (c *Change) count(before, now bool) {
	if before {
		c.Before++
	}
	if now {
		c.Now++
	}
}

func (r *Route) add(e event.Event, before, now result, samples int) {
	r.Taken.count(!before.idle(), !now.idle())
	for _, text := range slices.Concat(before.unknown, now.unknown) {
		if !slices.Contains(r.Unknown, text) {
			r.Unknown = append(r.Unknown, text)
		}
	}
	kind := compare(before, now)
	if kind == "" {
		return
	}
	r.Differences[kind]++
	alike := string(kind)
	if kind == Output {
		alike += " " + strings.Join(differing(before.parts, now.parts), ", ")
	}
	if r.alike[alike]++; r.alike[alike] > samples {
		return
	}
	s := Sample{
		Kind: kind, Source: e.Source, Action: e.Action, ID: e.ID, Time: e.Time,
		Before: before.state, Now: now.state, ErrorBefore: before.err, ErrorNow: now.err,
	}
	if kind == Output {
		s.Parts = diffs(before.parts, now.parts)
	}
	r.Samples = append(r.Samples, s)
}
