package brokertest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func pausing() []promise {
	return []promise{
		{"a paused route hands out nothing, the others go on, and it continues when it is resumed", pausesOneRoute},
		{"a pause returns fetched events, and running calls end as usual", pausesUnderWork},
		{"a pause outlasts restarts and crashes, also before the first event", pausesOverRestarts},
		{"pauses say who, why and since when, and the last one counts", describesPauses},
		{"no event is unaccounted while a route pauses and resumes under load", pausesUnderLoad},
	}
}

// pause pauses a route, and waits until the broker obeys.
func pause(t *testing.T, b Broker, route string) {
	t.Helper()
	if err := b.Pause(patient(t), route, broker.Pause{By: "Ada", Why: "the printer burns"}); err != nil {
		t.Fatal(err)
	}
	expectPaused(t, b, route, true)
}

func resume(t *testing.T, b Broker, route string) {
	t.Helper()
	if err := b.Resume(patient(t), route, broker.Pause{By: "Ada"}); err != nil {
		t.Fatal(err)
	}
	expectPaused(t, b, route, false)
}

// expectPaused waits until a broker that consumes obeys.
func expectPaused(t *testing.T, b Broker, route string, want bool) {
	t.Helper()
	ctx := patient(t)
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		if _, paused := b.Paused()[route]; paused == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("route %s: paused is not %t: %v", route, want, b.Paused())
		}
	}
}

// refuse fails the test if a delivery comes before another route has handled an event that was stored later.
func refuse(t *testing.T, b Broker, c *consumer, other *consumer, id string) {
	t.Helper()
	publish(t, b, newEvent(id, "alma", "job_end"))
	other.next(t).answer(broker.Ack())
	select {
	case h := <-c.deliveries:
		t.Errorf("event %s of a paused route was handled", h.Event.ID)
		h.answer(broker.Requeue())
	default:
	}
}

func pausesOneRoute(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("mail", "#")
	b := open(t, []broker.Route{r, other})
	c, d := start(t, b, r), start(t, b, other)
	publish(t, b, newEvent("0", "alma", "job_end"))
	c.next(t).answer(broker.Ack())
	d.next(t).answer(broker.Ack())
	pause(t, b, r.Name)
	refuse(t, b, c, d, "1")
	refuse(t, b, c, d, "2")
	expectWaiting(t, b, broker.RoleWork, r.Name, 2)
	resume(t, b, r.Name)
	for range 2 {
		h := c.next(t)
		if h.Attempt != 1 {
			t.Errorf("event %s comes as attempt %d", h.Event.ID, h.Attempt)
		}
		h.answer(broker.Ack())
	}
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}

func pausesUnderWork(t *testing.T, open Open) {
	const n = 10
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 2}
	b := open(t, []broker.Route{r})
	publish(t, b, series(n)...)
	c := start(t, b, r)
	first, second := c.next(t), c.next(t)
	pause(t, b, r.Name)
	expectWaiting(t, b, broker.RoleWork, r.Name, n-2)
	first.answer(broker.Ack())
	second.answer(broker.Requeue())
	expectWaiting(t, b, broker.RoleWork, r.Name, n-1)
	resume(t, b, r.Name)
	seen := map[string]bool{first.Event.ID: true}
	for range n - 1 {
		h := c.next(t)
		if h.Attempt != 1 || seen[h.Event.ID] {
			t.Errorf("event %s comes as attempt %d; seen before: %t", h.Event.ID, h.Attempt, seen[h.Event.ID])
		}
		seen[h.Event.ID] = true
		h.answer(broker.Ack())
	}
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: n, Done: n})
}

func pausesOverRestarts(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("mail", "#")
	b := open(t, []broker.Route{r, other})
	c := start(t, b, r)
	publish(t, b, newEvent("0", "alma", "job_end"))
	c.next(t) // and it is never answered
	pause(t, b, r.Name)
	b.Crash(t)
	for i, id := range []string{"1", "2"} {
		b = open(t, []broker.Route{r, other})
		d := start(t, b, other)
		c = start(t, b, r)
		if i == 0 {
			d.next(t).answer(broker.Ack())
		}
		refuse(t, b, c, d, id)
		expectPaused(t, b, r.Name, true)
		if i == 0 {
			c.stop(t)
		}
		d.stop(t)
	}
	resume(t, b, r.Name)
	got := map[string]bool{}
	for len(got) < 3 {
		h := c.any(t)
		got[h.Event.ID] = true
		h.answer(broker.Ack())
	}
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: 3, Done: 3}, broker.RouteAudit{Route: other.Name, Accepted: 3, Done: 3})
}

func describesPauses(t *testing.T, open Open) {
	b := open(t, []broker.Route{route("archive", "#"), route("mail", "#"), route("printer", "#")})
	since := time.UnixMilli(1_700_000_000_123).UTC()
	for _, p := range []struct{ route, by, why string }{{"archive", "Ada", "first"}, {"mail", "Ada", "disk full"}, {"archive", "Zoë", "again\n<b>"}, {"printer", "", ""}} {
		if err := b.Pause(patient(t), p.route, broker.Pause{By: p.by, Why: p.why, Since: since}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Resume(patient(t), "mail", broker.Pause{By: "Ada"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]broker.Pause{"archive": {By: "Zoë", Why: "again\n<b>", Since: since}, "printer": {Since: since}}
	if got, err := b.Pauses(patient(t)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("pauses %+v, %v; want %+v", got, err, want)
	}
	for name, p := range map[string]broker.Pause{"unknown": {}, "mail": {Why: strings.Repeat("x", broker.MaxPauseText+1)}} {
		if err := b.Pause(patient(t), name, p); err == nil || errors.Is(err, broker.ErrNotConsumed) != (name == "unknown") {
			t.Errorf("pause of route %s: %v", name, err)
		}
	}
}

func pausesUnderLoad(t *testing.T, open Open) {
	const n, rounds = 200, 4
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 4}
	b := open(t, []broker.Route{r})
	ctx, stop := context.WithCancel(t.Context())
	var handled atomic.Int64
	reached := make(chan bool, n)
	var running sync.WaitGroup
	running.Go(func() {
		err := b.Consume(ctx, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			if d.Redelivered {
				t.Errorf("event %s is redelivered", d.Event.ID)
			}
			if d.Attempt == 1 && d.Event.ID[0] == '1' {
				return broker.Retry(0, "error", errors.New("once more"))
			}
			handled.Add(1)
			reached <- true
			return broker.Ack()
		})
		if err != nil {
			t.Errorf("consume: %v", err)
		}
	})
	publish(t, b, newEvent("first", "alma", "job_end"))
	<-reached
	running.Go(func() {
		for _, e := range series(n) {
			if err := b.Publish(ctx, e); err != nil {
				t.Errorf("publish %s: %v", e.ID, err)
			}
		}
	})
	for range rounds {
		for range n / rounds / 2 {
			<-reached
		}
		pause(t, b, r.Name)
		if a, err := b.Audit(patient(t)); err != nil || a.Unaccounted != 0 {
			t.Errorf("while it is paused: %+v, %v", a.Routes, err)
		}
		resume(t, b, r.Name)
	}
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: n + 1, Done: n + 1})
	if handled.Load() != n+1 {
		t.Errorf("%d of %d events were handled", handled.Load(), n+1)
	}
	stop()
	running.Wait()
}
