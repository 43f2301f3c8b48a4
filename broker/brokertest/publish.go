package brokertest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func publishing() []promise {
	return []promise{
		{"an event goes to every route that matches it and to no other", goesToEveryRoute},
		{"patterns match as in broker.Matcher", matchesLikeTheCheck},
		{"an event that two patterns of a route match arrives once", arrivesOncePerRoute},
		{"an event that no route matches is kept as unrouted", keepsUnrouted},
		{"the events of 64 senders arrive, each once", takesManySenders},
		{"a context that has ended is an error in time", respectsItsContext},
	}
}

func goesToEveryRoute(t *testing.T, open Open) {
	everything, loans, ends := route("everything", "#"), route("loans", "alma.loan.#"), route("ends", "*.job_end", "*.*.returned")
	b := open(t, []broker.Route{everything, loans, ends})
	publish(t, b, newEvent("1", "alma", "job_end"), newEvent("2", "alma", "loan.returned"), newEvent("3", "github", "push"))
	expectIDs(t, drain(t, b, everything, 3), "1", "2", "3")
	expectIDs(t, drain(t, b, loans, 1), "2")
	expectIDs(t, drain(t, b, ends, 2), "1", "2")
	expectWaiting(t, b, broker.RoleUnrouted, "", 0)
}

func matchesLikeTheCheck(t *testing.T, open Open) {
	var routes []broker.Route
	for i, pattern := range []string{"#", "*.*", "a.b", "a.*", "a.#", "#.c", "a.*.c", "a.#.c", "*.#.b.#", "#.#", "a.b.#.*", "*"} {
		routes = append(routes, route(fmt.Sprint("r", i), pattern))
	}
	var events []event.Event
	for i, action := range []string{"b", "c", "b.c", "x.c", "x.y.c", "b.b", "b.c.d", "job_end", "x-y_z"} {
		events = append(events, newEvent(fmt.Sprint("a", i), "a", action), newEvent(fmt.Sprint("b", i), "b", action))
	}
	b := open(t, routes)
	publish(t, b, events...)
	for _, r := range routes {
		var want []string
		check := broker.NewMatcher([]broker.Route{r})
		for _, e := range events {
			if check.Match(e.Key()) != nil {
				want = append(want, e.ID)
			}
		}
		expectIDs(t, drain(t, b, r, len(want)), want...)
	}
}

func arrivesOncePerRoute(t *testing.T, open Open) {
	r := route("archive", "#", "alma.#", "alma.job_end", "*.job_end")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	expectIDs(t, drain(t, b, r, 1), "1")
}

func keepsUnrouted(t *testing.T, open Open) {
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "github", "push"), newEvent("2", "alma", "job_end"), newEvent("3", "github", "push"))
	expectWaiting(t, b, broker.RoleUnrouted, "", 2)
	expectIDs(t, drain(t, b, r, 1), "2")
}

func takesManySenders(t *testing.T, open Open) {
	const senders, each = 64, 20
	r := broker.Route{Name: "archive", Match: []string{"alma.#"}, Concurrency: 8}
	b := open(t, []broker.Route{r})
	ctx := patient(t)
	var want []string
	var wg sync.WaitGroup
	for s := range senders {
		for i := range each {
			want = append(want, fmt.Sprintf("%d-%d", s, i))
		}
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d-%d", s, i)
				if err := b.Publish(ctx, newEvent(id, "alma", "job_end")); err != nil {
					t.Errorf("publish %s: %v", id, err)
				}
			}
		})
	}
	wg.Wait()
	expectIDs(t, drain(t, b, r, senders*each), want...)
}

func respectsItsContext(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	answered := make(chan error, 1)
	go func() { answered <- b.Publish(ended, newEvent("1", "alma", "job_end")) }()
	select {
	case err := <-answered:
		if err == nil {
			t.Error("publish with a context that has ended answered nil")
		}
	case <-patient(t).Done():
		t.Fatal("publish with a context that has ended does not return")
	}
	publish(t, b, newEvent("2", "alma", "job_end"))
}
