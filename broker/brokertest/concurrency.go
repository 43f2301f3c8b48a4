package brokertest

import (
	"fmt"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func concurrency() []promise {
	return []promise{
		{"as many calls as Concurrency run at once, and no more", runsAtMost},
		{"a slow route does not delay another route", slowRouteDelaysNoOther},
		{"a backlog of one route does not slow another", backlogDelaysNoOther},
		{"two consumers of a route share its events", consumersShare},
		{"the bodies of a route that are in memory have at most RouteBytes", boundsBodies},
	}
}

func runsAtMost(t *testing.T, open Open) {
	const at, rounds = 3, 5
	r, other := broker.Route{Name: "archive", Match: []string{"alma.#"}, Concurrency: at}, route("other", "other.#")
	b := open(t, []broker.Route{r, other})
	publish(t, b, series(at+rounds)...)
	c := start(t, b, r)
	var running []held
	for range at {
		running = append(running, c.next(t))
	}
	for round := range rounds {
		// While the other route's events come through, a call too many would have come too.
		for i := range 5 {
			publish(t, b, newEvent(fmt.Sprint("other", round, i), "other", "x"))
		}
		drain(t, b, other, 5)
		select {
		case h := <-c.deliveries:
			h.answer(broker.Requeue())
			t.Fatalf("event %s came while %d others were running, which is the limit", h.Event.ID, at)
		default:
		}
		running[round].answer(broker.Ack())
		running = append(running, c.next(t))
	}
	for _, h := range running[rounds:] {
		h.answer(broker.Ack())
	}
	c.stop(t)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}

func slowRouteDelaysNoOther(t *testing.T, open Open) {
	slow, fast := route("slow", "#"), route("fast", "#")
	b := open(t, []broker.Route{slow, fast})
	publish(t, b, series(50)...)
	c := start(t, b, slow)
	h := c.next(t)
	drain(t, b, fast, 50)
	h.answer(broker.Ack())
	for range 49 {
		c.next(t).answer(broker.Ack())
	}
}

func consumersShare(t *testing.T, open Open) {
	const n = 20
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	one, other := start(t, b, r), start(t, b, r)
	publish(t, b, series(n)...)
	var got []event.Delivery
	first, second := one.next(t), other.next(t) // both consumers have a delivery at the same time
	got = append(got, first.Delivery, second.Delivery)
	first.answer(broker.Ack())
	second.answer(broker.Ack())
	wait := patient(t)
	for len(got) < n {
		var h held
		select {
		case h = <-one.deliveries:
		case h = <-other.deliveries:
		case <-wait.Done():
			t.Fatalf("%d of %d events came", len(got), n)
		}
		h.answer(broker.Ack())
		got = append(got, h.Delivery)
	}
	one.stop(t)
	other.stop(t)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
	expectIDs(t, got, named(series(n))...)
}

// boundsBodies fills the concurrency of a route with bodies of which only one has room.
func boundsBodies(t *testing.T, open Open) {
	const events = 4
	r := broker.Route{Name: "archive", Match: []string{"alma.#"}, Concurrency: events}
	b := open(t, []broker.Route{r})
	for _, e := range series(events) {
		e.Data = make([]byte, RouteBytes/2+1)
		publish(t, b, e)
	}
	c := start(t, b, r)
	seen := map[string]bool{}
	for left := range events {
		h := c.next(t)
		if seen[h.Event.ID] || h.Attempt != 1 || len(h.Event.Data) != RouteBytes/2+1 {
			t.Errorf("event %s came as attempt %d with %d bytes", h.Event.ID, h.Attempt, len(h.Event.Data))
		}
		seen[h.Event.ID] = true
		expectWaiting(t, b, broker.RoleWork, r.Name, events-1-left)
		select {
		case other := <-c.deliveries:
			t.Errorf("%s came beside %s", other.Event.ID, h.Event.ID)
			other.answer(broker.Requeue())
		default:
		}
		h.answer(broker.Ack())
	}
	c.stop(t)
}
