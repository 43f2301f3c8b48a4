// Package whatif runs recorded events through two configurations, without effects, and reports what they would route and make differently.
package whatif

import (
	"context"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/worker"
)

// Side is one of the two configurations.
type Side struct {
	// Routes are all routes in the order of the file.
	Routes []broker.Route
	// Work are the routes that workers consume.
	Work []worker.Route
	// Decoding bounds the memory of the values that are decoded; nil: no bound.
	Decoding *jsonbody.Budget
}

// Source has recorded events.
type Source interface {
	// Each visits the events that were received at or after since, until visit returns false. It returns an error if it cannot read all of
	// them. A zero since is the oldest event.
	Each(ctx context.Context, since time.Time, visit func(e event.Event) (more bool)) error
}

// Options choose events and samples.
type Options struct {
	Since   time.Time // see Source.Each
	Samples int       // events to keep of each kind of difference, and of output for each set of parts that differ; the first ones
}

// Compare runs each event of source through both sides, one event at a time. It returns the report so far with an error of source, or when ctx
// ends.
func Compare(ctx context.Context, before, now Side, source Source, o Options) (*Report, error) {
	r := newReport(before, now, o.Samples)
	old, changed := newSide(before), newSide(now)
	err := source.Each(ctx, o.Since, func(e event.Event) bool {
		r.add(e, old.run(ctx, e), changed.run(ctx, e))
		return ctx.Err() == nil
	})
	if err == nil {
		err = context.Cause(ctx)
	}
	return r, err
}

// side is a Side that is ready to run events.
type side struct {
	matcher  *broker.Matcher
	work     map[string]worker.Route
	decoding *jsonbody.Budget
}

func newSide(s Side) side {
	out := side{broker.NewMatcher(s.Routes), map[string]worker.Route{}, s.Decoding}
	for _, r := range s.Work {
		out.work[r.Name] = r
	}
	return out
}

// run returns the result of the event on each route that it matches.
func (s side) run(ctx context.Context, e event.Event) map[string]result {
	results := map[string]result{}
	for _, name := range s.matcher.Match(e.Key()) {
		route, works := s.work[name]
		if !works {
			results[name] = result{state: taken, unknown: []string{"a program of somebody else consumes the route"}}
			continue
		}
		results[name] = newResult(route.Preview(ctx, e, s.decoding))
	}
	return results
}
