package brokertest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func audits() []promise {
	return []promise{
		{"a new broker has no events, and names every route", auditsNothing},
		{"each outcome is counted by itself, and no event is unaccounted", auditsOutcomes},
		{"a dead letter that is replayed is not accepted again, and counts as discarded at the end", auditsDecisions},
		{"a replayed unrouted event is done, and accepted by the routes that match it then", auditsUnrouted},
		{"the deliveries of a crashed worker are neither lost nor counted twice", auditsCrash},
		{"the counts of a receiver are shown by source", auditsCounts},
		{"no event is unaccounted while events come and go", auditsTraffic},
	}
}

// expectAudit audits until the routes are as wanted. No event may be unaccounted at any time.
func expectAudit(t *testing.T, b Broker, want ...broker.RouteAudit) broker.Audit {
	t.Helper()
	ctx := patient(t)
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		a, err := b.Audit(ctx)
		if err == nil && a.Unaccounted != 0 {
			t.Fatalf("%d events are unaccounted: %+v", a.Unaccounted, a.Routes)
		}
		if err == nil && reflect.DeepEqual(a.Routes, want) {
			return a
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("routes %+v, want %+v: %v", a.Routes, want, err)
		}
	}
}

func auditsNothing(t *testing.T, open Open) {
	b := open(t, []broker.Route{route("mail", "#"), route("archive", "#")})
	a := expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive"}, broker.RouteAudit{Route: "mail"})
	if len(a.Sources) > 0 || a.Since.IsZero() || time.Since(a.Since) > time.Minute {
		t.Errorf("audit %+v", a)
	}
}

func auditsOutcomes(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("mail", "alma.#")
	b := open(t, []broker.Route{r, other})
	publish(t, b, series(6)...)
	publish(t, b, unwanted(1)...)
	c := start(t, b, r)
	c.next(t).answer(broker.Ack())
	c.next(t).answer(broker.Ack())
	c.next(t).answer(broker.Retry(time.Hour, "error", errors.New("try tomorrow")))
	c.next(t).answer(broker.GiveUp("permanent", errors.New("no such loan")))
	c.next(t).answer(broker.Retry(0, "error", errors.New("once more")))
	h := c.next(t)
	a := expectAudit(t, b, broker.RouteAudit{},
		broker.RouteAudit{Route: "archive", Accepted: 7, Waiting: 2, Running: 1, Retrying: 1, Done: 2, Dead: 1},
		broker.RouteAudit{Route: "mail", Accepted: 6, Waiting: 6})
	if len(a.Sources) != 2 || a.Sources[0].Accepted != 6 || a.Sources[1].Accepted != 1 || a.Sources[0].Unrouted+a.Sources[1].Unrouted != 0 {
		t.Errorf("sources %+v", a.Sources)
	}
	h.answer(broker.Requeue())
	c.next(t).answer(broker.Ack())
	c.next(t).answer(broker.Ack())
	c.next(t).answer(broker.Ack())
	expectAudit(t, b, broker.RouteAudit{},
		broker.RouteAudit{Route: "archive", Accepted: 7, Retrying: 1, Done: 5, Dead: 1},
		broker.RouteAudit{Route: "mail", Accepted: 6, Waiting: 6})
}

func auditsDecisions(t *testing.T, open Open) {
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	bury(t, b, r, series(5))
	replay(t, b, r.Name, odd, 2)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 5, Waiting: 2, Dead: 3})
	c := start(t, b, r)
	c.next(t).answer(broker.Ack())
	c.next(t).answer(broker.GiveUp("permanent", errors.New("again")))
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 5, Done: 1, Dead: 4})
	discard(t, b, r.Name, every, 4)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 5, Done: 1, Discarded: 4})
}

func auditsUnrouted(t *testing.T, open Open) {
	b := open(t, []broker.Route{route("archive", "alma.#")})
	publish(t, b, unwanted(3)...)
	a := expectAudit(t, b, broker.RouteAudit{Accepted: 3, Waiting: 3}, broker.RouteAudit{Route: "archive"})
	if len(a.Sources) != 1 || a.Sources[0].Source != "github" || a.Sources[0].Accepted != 3 || a.Sources[0].Unrouted != 3 {
		t.Errorf("sources %+v", a.Sources)
	}
	b = open(t, []broker.Route{route("archive", "alma.#"), route("all", "#"), route("pushes", "*.push")})
	replay(t, b, broker.Unrouted, oneOf("1"), 1)
	discard(t, b, broker.Unrouted, oneOf("2"), 1)
	expectAudit(t, b, broker.RouteAudit{Accepted: 3, Waiting: 1, Done: 1, Discarded: 1},
		broker.RouteAudit{Route: "all", Accepted: 1, Waiting: 1}, broker.RouteAudit{Route: "archive"}, broker.RouteAudit{Route: "pushes", Accepted: 1, Waiting: 1})
}

func auditsCrash(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, series(3)...)
	c := start(t, b, r)
	c.next(t).answer(broker.Ack())
	c.next(t)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 3, Waiting: 1, Running: 1, Done: 1})
	b.Crash(t)
	b = open(t, []broker.Route{r})
	c = start(t, b, r)
	h := c.nextRedelivered(t)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 3, Waiting: 1, Running: 1, Done: 1})
	h.answer(broker.Ack())
	c.any(t).answer(broker.Ack()) // which may have been fetched before the crash
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 3, Done: 3})
}

func auditsCounts(t *testing.T, open Open) {
	b := open(t, []broker.Route{route("archive", "#")})
	for _, kind := range []string{broker.CountReceived, broker.CountReceived, broker.CountReceived, "mismatch", "too_large", broker.CountDuplicate} {
		b.Count("alma", kind)
	}
	b.Count("github", broker.CountReceived)
	want := []broker.SourceAudit{
		{Source: "alma", Received: 3, Rejected: map[string]int64{"mismatch": 1, "too_large": 1}, Duplicate: 1},
		{Source: "github", Received: 1, Rejected: map[string]int64{}},
	}
	ctx := patient(t)
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		a, err := b.Audit(ctx)
		if err == nil && reflect.DeepEqual(a.Sources, want) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("sources %+v, want %+v: %v", a.Sources, want, err)
		}
	}
}

func auditsTraffic(t *testing.T, open Open) {
	const n = 200
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 4}
	b := open(t, []broker.Route{r})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for _, e := range series(n) {
			if err := b.Publish(ctx, e); err != nil {
				t.Errorf("publish %s: %v", e.ID, err)
			}
		}
	})
	running.Go(func() {
		err := b.Consume(ctx, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			switch {
			case d.Attempt == 1 && d.Event.ID[0] == '1':
				return broker.Retry(0, "error", errors.New("once more"))
			case d.Event.ID[0] == '2':
				return broker.GiveUp("permanent", errors.New("no"))
			}
			return broker.Ack()
		})
		if err != nil {
			t.Errorf("consume: %v", err)
		}
	})
	// Those whose IDs begin with 2: 2 and 20 to 29.
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: n, Done: n - 11, Dead: 11})
	stop()
	running.Wait()
}
