package rabbitmq_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// RabbitMQ does not say which of several queues refused an event. The others must not get it again and again.
func TestAFullQueueMultipliesNoEventsAtItsNeighbours(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	_, vhost, _ := strings.Cut(strings.TrimPrefix(url, "amqp://"), "/")
	good, full := route("good", "#"), route("full", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{good, full}, Duplicates: time.Hour})
	eventually(t, "the queue to exist", func() bool { return waiting(t, rabbit, broker.WorkQueue("full")) == 0 })
	shared := rabbitnode.Shared(t)
	if err := shared.SetPolicy(t.Context(), vhost, "short", "^"+broker.WorkQueue("full")+"$", map[string]any{"max-length": 5}); err != nil {
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
