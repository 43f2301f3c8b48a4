package brokertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func redelivering() []promise {
	return []promise{
		{"a done event comes again to the given routes only, unchanged, as a first attempt", redelivers},
		{"an event that waits, retries or is dead is there once more, and each delivery counts", redeliversOpenEvents},
		{"an unrouted event can be given to a route, and stays unrouted", redeliversUnrouted},
		{"duplicates are those of senders", redeliversBesideDuplicates},
		{"an unknown route, and none, are errors", refusesRedelivery},
		{"a crash loses no event that was given again", redeliversBeforeACrash},
		{"no event is unaccounted while events are given again under load", redeliversUnderLoad},
	}
}

func redeliver(t *testing.T, b Broker, e event.Event, routes ...string) {
	t.Helper()
	if err := b.Redeliver(patient(t), e, routes); err != nil {
		t.Fatal(err)
	}
}

func redelivers(t *testing.T, open Open) {
	const n = 3
	first, second, other := route("first", "#"), route("second", "#"), route("third", "#")
	b := open(t, []broker.Route{first, second, other})
	publish(t, b, series(n)...)
	for _, r := range []broker.Route{first, second, other} {
		drain(t, b, r, n)
	}
	e := series(n)[1]
	redeliver(t, b, e, "first", "second")
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "first", Accepted: n + 1, Waiting: 1, Done: n},
		broker.RouteAudit{Route: "second", Accepted: n + 1, Waiting: 1, Done: n}, broker.RouteAudit{Route: "third", Accepted: n, Done: n})
	for _, r := range []broker.Route{first, second} {
		c := start(t, b, r)
		h := c.next(t)
		expectEvent(t, h.Event, e)
		if h.Attempt != 1 {
			t.Errorf("attempt %d", h.Attempt)
		}
		h.answer(broker.Retry(0, "error", errors.New("once")))
		if h = c.next(t); h.Attempt != 2 {
			t.Errorf("attempt %d", h.Attempt)
		}
		h.answer(broker.Ack())
		c.stop(t)
	}
	a := expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "first", Accepted: n + 1, Done: n + 1},
		broker.RouteAudit{Route: "second", Accepted: n + 1, Done: n + 1}, broker.RouteAudit{Route: "third", Accepted: n, Done: n})
	if len(a.Sources) != 1 || a.Sources[0].Accepted != n || a.Sources[0].Unrouted != 0 {
		t.Errorf("sources %+v", a.Sources)
	}
}

func redeliversOpenEvents(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, series(3)...)
	c := start(t, b, r)
	for i := range 3 {
		o := broker.GiveUp("permanent", errors.New("no"))
		if i == 0 {
			o = broker.Retry(time.Hour, "error", errors.New("try tomorrow"))
		}
		c.next(t).answer(o)
	}
	c.stop(t)
	publish(t, b, newEvent("waits", "alma", "job_end"))
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 4, Waiting: 1, Retrying: 1, Dead: 2})
	for _, e := range append(series(3), newEvent("waits", "alma", "job_end"), newEvent("waits", "alma", "job_end")) {
		redeliver(t, b, e, r.Name)
	}
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 9, Waiting: 6, Retrying: 1, Dead: 2})
	expectIDs(t, drain(t, b, r, 6), "0", "1", "2", "waits", "waits", "waits")
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 9, Retrying: 1, Dead: 2, Done: 6})
	discard(t, b, r.Name, every, 2)
	retryNow(t, b, r.Name, func(broker.StoredDelivery) bool { return true }, 1)
	expectIDs(t, drain(t, b, r, 1), "0")
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 9, Done: 7, Discarded: 2})
}

// redeliversUnrouted gives unrouted events to a quick route: the broker may learn of an event's end before it learns that it was given.
func redeliversUnrouted(t *testing.T, open Open) {
	const n = 30
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	events := unwanted(n)
	publish(t, b, events...)
	c := start(t, b, r)
	for _, e := range events {
		redeliver(t, b, e, r.Name)
		c.next(t).answer(broker.Ack())
	}
	expectAudit(t, b, broker.RouteAudit{Accepted: n, Waiting: n}, broker.RouteAudit{Route: r.Name, Accepted: n, Done: n})
	discard(t, b, broker.Unrouted, every, n)
	expectAudit(t, b, broker.RouteAudit{Accepted: n, Discarded: n}, broker.RouteAudit{Route: r.Name, Accepted: n, Done: n})
}

func redeliversBesideDuplicates(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	known, strange := newEvent("known", "alma", "job_end"), newEvent("strange", "alma", "job_end")
	publish(t, b, known)
	redeliver(t, b, known, r.Name)
	if err := b.Publish(patient(t), known); !errors.Is(err, broker.ErrDuplicate) {
		t.Errorf("a sender's repeat: %v", err)
	}
	redeliver(t, b, strange, r.Name)
	publish(t, b, strange) // its sender's first
	expectIDs(t, drain(t, b, r, 4), "known", "known", "strange", "strange")
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 4, Done: 4})
}

func refusesRedelivery(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	for _, routes := range [][]string{nil, {"unknown"}, {r.Name, "unknown"}, {broker.Unrouted}} {
		if err := b.Redeliver(patient(t), newEvent("1", "alma", "job_end"), routes); err == nil {
			t.Errorf("given to routes %q", routes)
		}
	}
	expectIDs(t, drain(t, b, r, 1), "1")
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 1, Done: 1})
}

func redeliversBeforeACrash(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, series(3)...)
	drain(t, b, r, 3)
	for _, e := range series(3) {
		redeliver(t, b, e, r.Name)
	}
	b.Crash(t)
	b = open(t, []broker.Route{r})
	expectIDs(t, drain(t, b, r, 3), named(series(3))...)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 6, Done: 6})
}

func redeliversUnderLoad(t *testing.T, open Open) {
	const n, given = 150, 30
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 4}
	b := open(t, []broker.Route{r})
	ctx, stop := context.WithCancel(t.Context())
	var running, storing sync.WaitGroup
	storing.Go(func() {
		for _, e := range series(n) {
			if err := b.Publish(ctx, e); err != nil {
				t.Errorf("publish %s: %v", e.ID, err)
			}
		}
	})
	running.Go(func() {
		err := b.Consume(ctx, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			if d.Attempt == 1 && d.Event.ID[0] == '1' {
				return broker.Retry(0, "error", errors.New("once more"))
			}
			return broker.Ack()
		})
		if err != nil {
			t.Errorf("consume: %v", err)
		}
	})
	storing.Go(func() {
		for _, e := range series(given) {
			if err := b.Redeliver(ctx, e, []string{r.Name}); err != nil {
				t.Errorf("redeliver %s: %v", e.ID, err)
			}
		}
	})
	for i := range 5 {
		if a, err := b.Audit(patient(t)); err != nil || a.Unaccounted != 0 {
			t.Errorf("audit %d: %+v, %v", i, a.Routes, err)
		}
	}
	storing.Wait()
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: n + given, Done: n + given})
	stop()
	running.Wait()
}
