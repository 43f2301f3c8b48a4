package whatif_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/whatif"
	"github.com/hookline/hookline/worker"
)

// maker previews a part with a prefix before the body. It fails the test when it is called, and fails for bodies with a word.
type maker struct {
	t              *testing.T
	prefix, fails  string
	secret         bool
	unknown        []string
	everythingElse string
}

func (m maker) Handle(context.Context, event.Delivery) error {
	m.t.Error("what-if called Handle")
	return nil
}

func (m maker) Preview(_ context.Context, d event.Delivery) (p handler.Preview, err error) {
	if body := string(d.Event.Data); m.fails != "" && strings.Contains(body, m.fails) {
		return p, handler.Permanent(errors.New("cannot make " + m.fails))
	}
	add := p.Add
	if m.secret {
		add = p.AddSecret
	}
	add("body", m.prefix+string(d.Event.Data))
	p.Add("else", m.everythingElse)
	p.Unknown = m.unknown
	return p, nil
}

// route is a route over alma's actions.
func route(t *testing.T, name, match, where string, h handler.Handler) worker.Route {
	t.Helper()
	r := worker.Defaults()
	r.Name, r.Match, r.Handler = name, []string{match}, h
	if where != "" {
		filter, err := worker.NewFilter(where)
		if err != nil {
			t.Fatal(err)
		}
		r.Where = filter
	}
	return r
}

func side(routes ...worker.Route) (s whatif.Side) {
	for _, r := range routes {
		s.Routes, s.Work = append(s.Routes, r.Route), append(s.Work, r)
	}
	return s
}

// events makes fixtures of actions with bodies.
func events(t *testing.T, pairs ...string) *whatif.Fixtures {
	t.Helper()
	var text strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		line, err := json.Marshal(event.Event{ID: fmt.Sprint(i / 2), Source: "alma", Action: pairs[i], Time: time.Unix(int64(1000+i/2), 0), Data: []byte(pairs[i+1])})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	return whatif.NewFixtures("events.jsonl", strings.NewReader(text.String()))
}

func compare(t *testing.T, before, now whatif.Side, source whatif.Source) *whatif.Report {
	t.Helper()
	r, err := whatif.Compare(t.Context(), before, now, source, whatif.Options{Samples: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found returns the differences of a route that are not 0.
func found(r *whatif.Report, name string) map[whatif.Kind]int {
	i := slices.IndexFunc(r.Routes, func(one *whatif.Route) bool { return one.Route == name })
	all := maps.Clone(r.Routes[i].Differences)
	maps.DeleteFunc(all, func(_ whatif.Kind, n int) bool { return n == 0 })
	return all
}

func TestEachKindOfDifferenceIsCountedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, now worker.Route
		want        map[whatif.Kind]int
	}{
		"the same":           {route(t, "r", "#", "", maker{t: t}), route(t, "r", "#", "", maker{t: t}), nil},
		"wider match":        {route(t, "r", "alma.x", "", maker{t: t}), route(t, "r", "#", "", maker{t: t}), map[whatif.Kind]int{whatif.New: 3}},
		"narrower match":     {route(t, "r", "#", "", maker{t: t}), route(t, "r", "alma.a", "", maker{t: t}), map[whatif.Kind]int{whatif.Gone: 1}},
		"another filter":     {route(t, "r", "#", "data.n == 1", maker{t: t}), route(t, "r", "#", "data.n == 2", maker{t: t}), map[whatif.Kind]int{whatif.Filtered: 2}},
		"new, but filtered":  {route(t, "r", "alma.x", "", maker{t: t}), route(t, "r", "#", "data.n == 5", maker{t: t}), nil},
		"gone, but filtered": {route(t, "r", "#", "data.n == 5", maker{t: t}), route(t, "r", "alma.x", "", maker{t: t}), nil},
		"another output":     {route(t, "r", "alma.a", "", maker{t: t}), route(t, "r", "alma.a", "", maker{t: t, prefix: "x"}), map[whatif.Kind]int{whatif.Output: 2}},
		"a part less":        {route(t, "r", "alma.b", "", maker{t: t, everythingElse: "y"}), route(t, "r", "alma.b", "", maker{t: t}), map[whatif.Kind]int{whatif.Output: 1}},
		"a failing filter":   {route(t, "r", "#", "", maker{t: t}), route(t, "r", "#", "data.missing > 1", maker{t: t}), map[whatif.Kind]int{whatif.Failed: 3}},
		"another failure":    {route(t, "r", "#", "", maker{t: t, fails: "n"}), route(t, "r", "#", "", maker{t: t, fails: `"n"`}), map[whatif.Kind]int{whatif.Failed: 3}},
		"the same failure":   {route(t, "r", "#", "", maker{t: t, fails: "n"}), route(t, "r", "#", "", maker{t: t, fails: "n"}), nil},
		"a repair":           {route(t, "r", "#", "", maker{t: t, fails: "2"}), route(t, "r", "#", "", maker{t: t}), map[whatif.Kind]int{whatif.Repaired: 1}},
		"failed, and gone":   {route(t, "r", "alma.b", "", maker{t: t, fails: "3"}), route(t, "r", "alma.x", "", maker{t: t}), map[whatif.Kind]int{whatif.Gone: 1}},
	} {
		r := compare(t, side(c.before), side(c.now), events(t, "a", `{"n":1}`, "a", `{"n":2}`, "b", `{"n":3}`))
		if got := found(r, "r"); !maps.Equal(got, c.want) || r.Differs() != (c.want != nil) || r.Events != 3 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAddedRemovedAndExternalRoutes(t *testing.T) {
	t.Parallel()
	external := whatif.Side{Routes: []broker.Route{{Name: "external", Match: []string{"#"}, External: true}}}
	now := side(route(t, "added", "#", "", maker{t: t, unknown: []string{"nothing is sent"}}))
	now.Routes = append(now.Routes, external.Routes...)
	before := side(route(t, "removed", "alma.a", "", maker{t: t}))
	r := compare(t, before, now, events(t, "a", `{}`, "b", `{}`))
	if len(r.Routes) != 3 || r.Routes[0].Change != "added" || r.Routes[2].Change != "removed" || found(r, "external")[whatif.New] != 2 || found(r, "removed")[whatif.Gone] != 1 {
		t.Errorf("%+v", r)
	}
	if r.Unrouted != (whatif.Change{Before: 1}) || r.Routes[0].Taken != (whatif.Change{Now: 2}) {
		t.Errorf("%+v, %+v", r.Unrouted, r.Routes[0].Taken)
	}
	if !slices.Equal(r.Routes[0].Unknown, []string{"nothing is sent"}) || len(r.Routes[1].Unknown) != 1 {
		t.Errorf("%v, %v", r.Routes[0].Unknown, r.Routes[1].Unknown)
	}
}

func TestSamplesAreTheFirstOfDifferencesThatAreAlike(t *testing.T) {
	t.Parallel()
	before := side(route(t, "r", "#", "", maker{t: t}))
	now := side(route(t, "r", "#", `action != "c"`, maker{t: t, prefix: "x"}))
	r := compare(t, before, now, events(t, "a", `1`, "a", `2`, "a", `3`, "c", `4`))
	var ids []string
	for _, s := range r.Routes[0].Samples {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, []string{"0", "1", "3"}) || r.Routes[0].Differences[whatif.Output] != 3 {
		t.Errorf("%v of %v", ids, r.Routes[0].Differences)
	}
	if s := r.Routes[0].Samples[2]; s.Kind != whatif.Filtered || s.Before != "taken" || s.Now != "filtered" || s.Action != "c" {
		t.Errorf("%+v", s)
	}
}

func TestSecretsAreComparedAndNeverShown(t *testing.T) {
	t.Parallel()
	before := side(route(t, "r", "#", "", maker{t: t, secret: true, prefix: "s3cret"}))
	now := side(route(t, "r", "#", "", maker{t: t, secret: true, prefix: "s4cret"}))
	r := compare(t, before, now, events(t, "a", `1`))
	text, err := json.Marshal(r)
	if err != nil || found(r, "r")[whatif.Output] != 1 || strings.Contains(string(text), "cret1") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTheEndOfTheContextEndsTheComparison(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := whatif.Compare(ctx, whatif.Side{}, whatif.Side{}, events(t, "a", "1", "b", "2"), whatif.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
