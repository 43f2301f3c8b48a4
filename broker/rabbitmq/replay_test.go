package rabbitmq_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A repeat of the command must not give the events to the other routes again.
func TestAReplayOfUnroutedEventsIntoAFullQueueMultipliesNone(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	before := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("good", "other.#")}})
	const events = 5
	for n := range events {
		publish(t, before, anEvent(id(n)))
	}
	good, full := route("good", "#"), route("full", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{good, full}})
	filling := anEvent("filling")
	filling.Source = "filler"
	publish(t, rabbit, filling)
	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), vhost, broker.WorkQueue("full"), 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue to be full", func() bool { return rabbit.Publish(patient(t), filling) != nil })
	atNeighbour := waiting(t, rabbit, broker.WorkQueue("good"))

	n, err := rabbit.Replay(patient(t), broker.Unrouted, all)
	if n != events || err == nil || !strings.Contains(err.Error(), "5 of the replayed events are dead letters of it: make room, then `hookline dead replay full --all`") {
		t.Fatalf("replayed %d, %v", n, err)
	}
	if more := waiting(t, rabbit, broker.WorkQueue("good")) - atNeighbour; more < events || more > 2*events {
		t.Errorf("%d more events at the neighbour", more)
	}
	atNeighbour = waiting(t, rabbit, broker.WorkQueue("good"))
	if n, err := rabbit.Replay(patient(t), broker.Unrouted, all); n != 0 || err != nil {
		t.Errorf("replayed %d again, %v", n, err)
	}
	if n, err := rabbit.Replay(patient(t), "full", all); n != 0 || err == nil || !strings.Contains(err.Error(), "hookline.work.full is full") {
		t.Errorf("replayed %d dead letters into the full queue, %v", n, err)
	}
	if after := waiting(t, rabbit, broker.WorkQueue("good")); after != atNeighbour {
		t.Errorf("%d events at the neighbour, %d before the repeats", after, atNeighbour)
	}
	dead, _, err := rabbit.List(patient(t), "full", broker.Page{Limit: 10})
	if err != nil || len(dead) != events || dead[0].Reason != broker.ReasonFull || time.Since(dead[0].Died).Abs() > time.Hour {
		t.Errorf("dead letters %+v, %v", dead, err)
	}

	take(t, rabbit, good)
	take(t, rabbit, full)
	replayed := 0
	eventually(t, "the queue to take the dead letters", func() bool {
		n, err := rabbit.Replay(patient(t), "full", all)
		replayed += n
		return err == nil && replayed == events
	})
	eventually(t, "the audit to add up", func() bool {
		a, err := rabbit.Audit(patient(t))
		done := int64(0)
		for _, r := range a.Routes {
			done += r.Done
		}
		return err == nil && a.Unaccounted == 0 && done >= 2*events
	})
}

func all(broker.UndeliveredEvent) bool { return true }
