package rabbitmq_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// In a rolling update a receiver of the old configuration publishes to the bindings of the new one, too. An event is stored when each
// bound queue has it, and no repeat multiplies it.
func TestAFullQueueOfARouteThatOnlyAnotherProcessHas(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]broker.Route{"the receiver has a matching route": route("a", "#"), "it has none": route("other", "other.#")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := rabbitnode.URL(t)
			vhost := rabbitnode.VhostOf(url)
			c := route("c", "#")
			updated := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("a", "#"), c}})
			publish(t, updated, anEvent("the first"))
			receiver := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{own}, Duplicates: time.Hour})
			if err := rabbitnode.Shared(t).LimitQueue(t.Context(), vhost, broker.WorkQueue("c"), 1); err != nil {
				t.Fatal(err)
			}
			n := 0
			eventually(t, "the receiver to know that the route of another lacks an event", func() bool {
				n++
				var partly *broker.PartlyError
				err := receiver.Publish(patient(t), anEvent(id(n)))
				return errors.As(err, &partly) && slices.Equal(partly.Routes, []string{"c"})
			})
			last, before := anEvent(id(n)), waiting(t, updated, broker.WorkQueue("a"))
			for range 3 {
				for _, err := range []error{receiver.Publish(patient(t), last), receiver.PublishSpooled(patient(t), last, nil)} {
					if !errors.Is(err, broker.ErrRefused) {
						t.Errorf("a repeat: %v", err)
					}
				}
			}
			if after := waiting(t, updated, broker.WorkQueue("a")); after != before {
				t.Errorf("%d events at the neighbour, %d before the repeats", after, before)
			}
			got := take(t, updated, c)
			eventually(t, "the queue to take the event", func() bool { return receiver.PublishSpooled(patient(t), last, nil) == nil })
			for next(t, got).Event.ID != last.ID {
			}
			if after := waiting(t, updated, broker.WorkQueue("a")); after != before {
				t.Errorf("%d events at the neighbour, %d before", after, before)
			}
		})
	}
}
