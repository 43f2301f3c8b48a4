package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
)

// Limits of plans.
const (
	PlanKept   = time.Hour // a plan that is not started is removed
	MaxTargets = 500_000   // of one plan
	sampleSize = 5
)

// Plan describes a job before it begins. Nothing has been done yet. Events that come later are not in it.
type Plan struct {
	ID        int64        `json:"id"` // becomes the job's ID
	Action    Action       `json:"action"`
	Selection Selection    `json:"selection"`
	Words     string       `json:"words"` // the selection in words: "dead letters of exports, reason timeout"
	To        []string     `json:"to,omitempty"`
	By        string       `json:"by"`
	Made      time.Time    `json:"made"`
	Until     time.Time    `json:"until"` // the plan is kept until then
	Count     int          `json:"count"`
	Bytes     int64        `json:"bytes"`          // of the bodies
	First     time.Time    `json:"first,omitzero"` // time of death or receipt of the oldest event
	Last      time.Time    `json:"last,omitzero"`
	Routes    []RouteCount `json:"routes"`
	Sample    []Target     `json:"sample"` // spread over the whole, in the job's order
	LeftOut   []LeftOut    `json:"left_out"`
}

// RouteCount is the number of a plan's events on one route.
type RouteCount struct {
	Route string `json:"route"`
	Count int    `json:"count"`
}

// LeftOut is a number of events that match the selection, and that the plan leaves out.
type LeftOut struct {
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// Plan looks for the chosen events, and keeps the list. It changes nothing else. On RabbitMQ it goes through the whole queue of each route.
func (j *Jobs) Plan(ctx context.Context, r PlanRequest) (Plan, error) {
	if err := r.check(); err != nil {
		return Plan{}, fmt.Errorf("plan: %w: %w", ErrRequest, err)
	}
	from, err := j.place(r.Selection.From, r.To)
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	busy, err := j.busy(ctx)
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	c := collector{parts: j.parts, request: r, busy: busy, seen: map[targetKey]bool{}, leftOut: map[string]int{}}
	made := j.parts.Now().UTC()
	for _, route := range j.routes(r.Selection) {
		if err := from.look(ctx, route, r.Selection, c.add); err != nil && !errors.Is(err, broker.ErrNoQueue) {
			return Plan{}, fmt.Errorf("plan: look at %s: %w", cmp.Or(route, "the events"), err)
		}
	}
	if c.tooMany {
		return Plan{}, fmt.Errorf("plan: more than %d events are chosen: choose fewer, for example by time, and do it in parts", MaxTargets)
	}
	p := c.plan()
	p.By, p.Made, p.Until = r.By, made, made.Add(PlanKept)
	if err := j.keep(ctx, &p, c.targets); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// routes returns the routes on which a selection looks.
func (j *Jobs) routes(s Selection) []string {
	switch {
	case s.From == FromUnrouted, s.From == FromJournal:
		return []string{broker.Unrouted}
	case len(s.Routes) > 0:
		return slices.Compact(slices.Sorted(slices.Values(s.Routes)))
	}
	return j.parts.Routes
}

// collector collects the targets of a plan.
type collector struct {
	parts   Parts
	request PlanRequest
	busy    map[targetKey]int64 // targets of jobs that have not ended

	targets []Target
	seen    map[targetKey]bool
	leftOut map[string]int
	bytes   int64
	tooMany bool
}

// add adds a stored delivery if the selection chooses it. It returns false when there are too many.
func (c *collector) add(d broker.StoredDelivery, bytes int) bool {
	s := c.request.Selection
	if s.From != FromJournal && !s.matches(d) {
		return true
	}
	key := keyOf(d)
	switch job, isBusy := c.busy[key]; {
	case isBusy:
		c.leftOut[fmt.Sprintf("in job %d, which has not ended", job)]++
	case c.seen[key]:
		c.leftOut["a second copy of a chosen event"]++
	case c.request.Action == Replay && s.From == FromUnrouted && c.parts.Matches != nil && !c.parts.Matches(d.Event.Key()):
		c.leftOut["matches no route now"]++
	case len(c.targets) == MaxTargets:
		c.tooMany = true
		return false
	default:
		c.seen[key] = true
		c.bytes += int64(bytes)
		c.targets = append(c.targets, targetOf(d))
	}
	return true
}

// plan returns the plan of the collected targets.
func (c *collector) plan() Plan {
	r := c.request
	p := Plan{
		Action: r.Action, Selection: r.Selection, Words: r.Selection.words(), To: r.To, Count: len(c.targets), Bytes: c.bytes,
		Routes: []RouteCount{}, Sample: []Target{}, LeftOut: []LeftOut{},
	}
	count := map[string]int{}
	for i := range c.targets {
		t := &c.targets[i]
		t.Number = i + 1
		count[t.Route]++
		at := t.Time
		if r.Selection.From == FromDead {
			at = t.Before
		}
		if p.First.IsZero() || at.Before(p.First) {
			p.First = at
		}
		if at.After(p.Last) {
			p.Last = at
		}
	}
	for route, n := range count {
		p.Routes = append(p.Routes, RouteCount{route, n})
	}
	for why, n := range c.leftOut {
		p.LeftOut = append(p.LeftOut, LeftOut{why, n})
	}
	slices.SortFunc(p.Routes, func(a, b RouteCount) int { return cmp.Compare(a.Route, b.Route) })
	slices.SortFunc(p.LeftOut, func(a, b LeftOut) int { return cmp.Compare(a.Why, b.Why) })
	n := min(sampleSize, len(c.targets))
	for i := range n {
		p.Sample = append(p.Sample, c.targets[i*(len(c.targets)-1)/max(n-1, 1)])
	}
	return p
}
