package rabbitmq_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// RabbitMQ does not say which of several queues refused an event. The others must not get it again and again.
func TestAFullQueueMultipliesNoEventsAtItsNeighbours(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	good, full := route("good", "#"), route("full", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{good, full}, Duplicates: time.Hour})
	eventually(t, "the queue to exist", func() bool { return waiting(t, rabbit, broker.WorkQueue("full")) == 0 })
	shared := rabbitnode.Shared(t)
	if err := shared.LimitQueue(t.Context(), vhost, broker.WorkQueue("full"), 5); err != nil {
		t.Fatal(err)
	}
	var n int
	refused := func() (partly *broker.PartlyError) {
		n++
		errors.As(rabbit.Publish(patient(t), anEvent(id(n))), &partly)
		return partly
	}
	eventually(t, "the full queue to refuse", func() bool { return refused() != nil })
	before := waiting(t, rabbit, broker.WorkQueue("good"))
	last := anEvent(id(n))
	for range 5 { // the sender repeats the event, and the spool tries its route
		var partly *broker.PartlyError
		if err := rabbit.Publish(patient(t), last); !errors.As(err, &partly) || !errors.Is(err, broker.ErrRefused) || !slices.Equal(partly.Routes, []string{"full"}) {
			t.Fatal(err)
		}
		if err := rabbit.PublishSpooled(patient(t), last, []string{"full"}); !errors.As(err, &partly) {
			t.Fatal(err)
		}
	}
	if after := waiting(t, rabbit, broker.WorkQueue("good")); after != before {
		t.Errorf("%d events at the neighbour, %d before the repeats", after, before)
	}
	if before > n+1 {
		t.Errorf("%d events at the neighbour after %d publishes and one refusal", before, n)
	}
	take(t, rabbit, full)
	eventually(t, "the queue to take the event", func() bool {
		err := rabbit.PublishSpooled(patient(t), last, []string{"full"})
		return err == nil || errors.Is(err, broker.ErrDuplicate)
	})
	if err := rabbit.Publish(patient(t), last); !errors.Is(err, broker.ErrDuplicate) {
		t.Errorf("a repeat of an event that all routes have: %v", err)
	}
	take(t, rabbit, good)
	eventually(t, "the audit to add up", func() bool {
		a, err := rabbit.Audit(patient(t))
		if err != nil || a.Unaccounted > 0 {
			t.Logf("%+v, %v", a, err)
			return false
		}
		done := 0
		for _, r := range a.Routes {
			if r.Accepted == int64(n) && r.Done == int64(n) {
				done++
			}
		}
		return done == 2 && len(a.Sources) == 1 && a.Sources[0].Accepted == int64(n)
	})
}

// A sender repeats an event at another receiver, or at one that was started since.
func TestReceiversTellEachOtherTheRoutesThatLackAnEvent(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("good", "#"), route("full", "#")}, Duplicates: time.Hour}
	first, second := open(t, cfg), open(t, cfg)
	publish(t, first, anEvent("the first"))
	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), vhost, broker.WorkQueue("full"), 1); err != nil {
		t.Fatal(err)
	}
	refused := partlyStoreMany(t, first)
	eventually(t, "another receiver to know the routes", refused.known(t, second))
	eventually(t, "a receiver that has just started to know them", refused.known(t, open(t, cfg)))

	later := refused.next(t)
	later.Time = later.Time.Add(cfg.Duplicates)
	before := waiting(t, first, broker.WorkQueue("good"))
	if err := first.Publish(patient(t), later); err == nil || waiting(t, first, broker.WorkQueue("good")) == before {
		t.Errorf("a later event with the same ID is not stored for all routes: %v", err)
	}

	last, third := refused.next(t), open(t, cfg)
	take(t, first, route("full", "#"))
	eventually(t, "the queue to take the event", func() bool { return first.Publish(patient(t), last) == nil })
	before = waiting(t, first, broker.WorkQueue("good"))
	for _, receiver := range []*rabbitmq.Broker{second, third} {
		eventually(t, "another receiver to know that no route lacks the event", func() bool { return errors.Is(receiver.Publish(patient(t), last), broker.ErrDuplicate) })
	}
	if after := waiting(t, first, broker.WorkQueue("good")); after > before+2 { // the third may not have read the ledger yet
		t.Errorf("%d events at the neighbour, %d before the repeats", after, before)
	}
}

// partlyStoredEvents are events that a full queue lacks.
type partlyStoredEvents []event.Event

// next takes an event.
func (p *partlyStoredEvents) next(t *testing.T) event.Event {
	t.Helper()
	if len(*p) == 0 {
		t.Fatal("no event is left")
	}
	e := (*p)[0]
	*p = (*p)[1:]
	return e
}

func partlyStoreMany(t *testing.T, rabbit *rabbitmq.Broker) *partlyStoredEvents {
	t.Helper()
	var refused partlyStoredEvents
	for n := 0; len(refused) < 300; n++ {
		var partly *broker.PartlyError
		if err := rabbit.Publish(patient(t), anEvent(id(n))); errors.As(err, &partly) {
			refused = append(refused, anEvent(id(n)))
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return &refused
}

// known publishes the next event again, and reports whether by gives it to the full queue only.
func (p *partlyStoredEvents) known(t *testing.T, by *rabbitmq.Broker) func() bool {
	return func() bool {
		t.Helper()
		before := waiting(t, by, broker.WorkQueue("good"))
		var partly *broker.PartlyError
		return errors.As(by.Publish(patient(t), p.next(t)), &partly) && before >= 0 && waiting(t, by, broker.WorkQueue("good")) == before
	}
}
