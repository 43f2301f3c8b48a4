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
		{"a slow route does not hold up another", slowRouteBlocksNobody},
		{"a backlog of one route does not slow another", backlogHoldsUpNobody},
		{"two consumers of a route share its events", consumersShare},
	}
}

func runsAtMost(t *testing.T, open Open) {
	const at, rounds = 3, 5
	r, other := broker.Route{Name: "archive", Match: []string{"alma.#"}, Concurrency: at}, route("other", "other.#")
	line := open(t, []broker.Route{r, other})
	publish(t, line, series(at+rounds)...)
	c := start(t, line, r)
	var hands []held
	for range at {
		hands = append(hands, c.next(t))
	}
	for round := range rounds {
		// While the other route's events come through, a call too many would have come too.
		for i := range 5 {
			publish(t, line, newEvent(fmt.Sprint("other", round, i), "other", "x"))
		}
		drain(t, line, other, 5)
		select {
		case h := <-c.deliveries:
			h.answer(broker.Requeue())
			t.Fatalf("event %s came while %d others were in hand, which is the most", h.Event.ID, at)
		default:
		}
		hands[round].answer(broker.Ack())
		hands = append(hands, c.next(t))
	}
	for _, h := range hands[rounds:] {
		h.answer(broker.Ack())
	}
	c.stop(t)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
}

func slowRouteBlocksNobody(t *testing.T, open Open) {
	slow, fast := route("slow", "#"), route("fast", "#")
	line := open(t, []broker.Route{slow, fast})
	publish(t, line, series(50)...)
	c := start(t, line, slow)
	h := c.next(t)
	drain(t, line, fast, 50)
	h.answer(broker.Ack())
	for range 49 {
		c.next(t).answer(broker.Ack())
	}
}

func consumersShare(t *testing.T, open Open) {
	const n = 20
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	one, other := start(t, line, r), start(t, line, r)
	publish(t, line, series(n)...)
	var got []event.Delivery
	a, b := one.next(t), other.next(t) // both have something in hand at the same time
	got = append(got, a.Delivery, b.Delivery)
	a.answer(broker.Ack())
	b.answer(broker.Ack())
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
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
	expectIDs(t, got, named(series(n))...)
}
