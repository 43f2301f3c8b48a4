package rabbitmq_test

import (
	"slices"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

func externalRoute(name string, match ...string) broker.Route {
	r := route(name, match...)
	r.External = true
	return r
}

func TestAnAuditKnowsTheEventsThatAnExternalConsumerHasTaken(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	rabbit, _ := start(t, url, externalRoute("mine", "alma.#"))
	for i := range 5 {
		publish(t, rabbit, anEvent(id(i)))
	}
	expectAudit(t, rabbit, "mine", broker.RouteAudit{Accepted: 5, Waiting: 5, External: true})
	ch := channel(t, url)
	for i := range 3 {
		d, ok, err := ch.Get(broker.WorkQueue("mine"), false)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if i == 2 {
			err = d.Reject(false)
		} else {
			err = d.Ack(false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the rejected event", func() bool { return waiting(t, rabbit, broker.DeadQueue("mine")) == 1 })
	expectAudit(t, rabbit, "mine", broker.RouteAudit{Accepted: 5, Waiting: 2, Dead: 1, Taken: 2, External: true})
	events, _, err := rabbit.List(patient(t), "mine", broker.Page{Limit: 10})
	if err != nil || len(events) != 1 || events[0].Event.ID != id(2) || events[0].Event.Action != "job_end" {
		t.Errorf("dead letters %+v, %v", events, err)
	}
	if n, err := rabbit.Discard(patient(t), "mine", func(broker.UndeliveredEvent) bool { return true }); n != 1 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}
	expectAudit(t, rabbit, "mine", broker.RouteAudit{Accepted: 5, Waiting: 2, Discarded: 1, Taken: 2, External: true})
}

func TestAWorkerDoesNotConsumeAnExternalRoute(t *testing.T) {
	t.Parallel()
	rabbit, _ := start(t, rabbitnode.URL(t), externalRoute("mine", "alma.#"))
	if err := rabbit.Consume(patient(t), externalRoute("mine"), nil); err == nil {
		t.Error("it consumes")
	}
	publish(t, rabbit, anEvent("1")) // the queues exist
	queues, err := rabbit.Queues(patient(t))
	i := slices.IndexFunc(queues, func(q broker.QueueInfo) bool { return q.Role == broker.RoleExternal })
	if err != nil || i < 0 || queues[i].Waiting != 1 || queues[i].Route != "mine" {
		t.Errorf("queues %+v, %v", queues, err)
	}
}

// A removed external route is left over, and its events stay taken.
func TestARemovedExternalRouteIsUnbound(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old, stop := start(t, url, route("a", "alma.#"), externalRoute("mine", "alma.#"))
	publish(t, old, anEvent("1"))
	if _, ok, err := channel(t, url).Get(broker.WorkQueue("mine"), true); err != nil || !ok {
		t.Fatal(ok, err)
	}
	stop()
	updated, _ := start(t, url, route("a", "alma.#"))
	if removed := unbound(t, updated); !slices.Equal(removed, []broker.Binding{{Route: "mine", Pattern: "alma.#"}}) {
		t.Errorf("removed %v", removed)
	}
	expectAudit(t, updated, "mine", broker.RouteAudit{Accepted: 1, Taken: 1, External: true, LeftOver: true})
}

func TestEraseSearchesTheQueueOfAnExternalRoute(t *testing.T) {
	t.Parallel()
	rabbit, _ := start(t, rabbitnode.URL(t), externalRoute("mine", "alma.#"))
	for i := range 3 {
		publish(t, rabbit, anEvent(id(i)))
	}
	pick := func(d broker.StoredDelivery) bool { return d.Event.ID == id(1) }
	for _, want := range []int{1, 0} {
		if n, err := rabbit.Erase(patient(t), pick); n != want || err != nil {
			t.Errorf("erased %d, want %d: %v", n, want, err)
		}
	}
	expectAudit(t, rabbit, "mine", broker.RouteAudit{Accepted: 3, Waiting: 2, Discarded: 1, External: true})
}
