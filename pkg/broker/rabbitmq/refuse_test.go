package rabbitmq_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAnEventThatNoQueueTakesIsRefused(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "github.#")}})
	publish(t, line, anEvent("unrouted"))
	eventually(t, "both connections", func() bool { return waiting(t, line, broker.UnroutedQueue) == 1 })
	if err := channel(t, url).QueueUnbind(broker.UnroutedQueue, "", broker.UnroutedExchange, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := line.Publish(patient(t), anEvent("nowhere")); !errors.Is(err, broker.ErrRefused) || !strings.Contains(err.Error(), "alma.job_end") {
			t.Errorf("publish: %v", err)
		}
	}
	if n := waiting(t, line, broker.UnroutedQueue); n != 1 {
		t.Errorf("%d events are unrouted, want 1", n)
	}
}

func TestAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	for _, q := range broker.NewTopology([]broker.Route{r}).Queues {
		if q.Name == broker.WorkQueue("archive") {
			q.Args["x-max-length"] = 3 // as an operator's policy would do
			if _, err := channel(t, url).QueueDeclare(q.Name, true, false, false, false, q.Args); err != nil {
				t.Fatal(err)
			}
		}
	}
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	for i := range 10 {
		if err := line.Publish(patient(t), anEvent(id(i))); err != nil {
			if !errors.Is(err, broker.ErrRefused) || i < 3 {
				t.Errorf("publish %d: %v", i, err)
			}
			return
		}
	}
	t.Error("ten events went into a queue for three")
}
