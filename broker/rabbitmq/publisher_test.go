package rabbitmq_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAnEventWithoutAQueueIsRefused(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "github.#")}})
	publish(t, rabbit, anEvent("unrouted"))
	eventually(t, "the event to be unrouted", func() bool { return waiting(t, rabbit, broker.UnroutedQueue) == 1 }) // both connections have declared
	if err := channel(t, url).QueueUnbind(broker.UnroutedQueue, "", rabbitmq.UnroutedExchange, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := rabbit.Publish(patient(t), anEvent("nowhere")); !errors.Is(err, broker.ErrRefused) || !strings.Contains(err.Error(), "alma.job_end") {
			t.Errorf("publish: %v", err)
		}
	}
	if n := waiting(t, rabbit, broker.UnroutedQueue); n != 1 {
		t.Errorf("%d events are unrouted, want 1", n)
	}
}

func TestAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	for _, q := range rabbitmq.NewTopology([]broker.Route{r}).Queues {
		if q.Name == broker.WorkQueue("archive") {
			q.Args["x-max-length"] = 3 // like an operator's policy
			if _, err := channel(t, url).QueueDeclare(q.Name, true, false, false, false, q.Args); err != nil {
				t.Fatal(err)
			}
		}
	}
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	for i := range 10 {
		if err := rabbit.Publish(patient(t), anEvent(id(i))); err != nil {
			if !errors.Is(err, broker.ErrRefused) || i < 3 {
				t.Errorf("publish %d: %v", i, err)
			}
			return
		}
	}
	t.Error("ten events went into a queue for three")
}

// RabbitMQ tells a channel that a full queue has room again when the queue gets shorter than its limit. If the limit is removed
// before that, RabbitMQ 3.10 never tells.
func TestAFullQueueWithoutItsLimitTakesEventsAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	r, other := route("archive", "alma.#"), route("other", "github.#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, other}})
	eventually(t, "the queue to exist", func() bool { return waiting(t, rabbit, broker.WorkQueue(r.Name)) == 0 })
	shared := rabbitnode.Shared(t)
	if err := shared.LimitQueue(t.Context(), vhost, broker.WorkQueue(r.Name), 3); err != nil {
		t.Fatal(err)
	}
	var n int
	refused := func() bool {
		n++
		return rabbit.Publish(patient(t), anEvent(id(n))) != nil
	}
	eventually(t, "the full queue to refuse", refused)
	if err := shared.DeletePolicy(t.Context(), vhost, rabbitnode.LimitPolicy); err != nil {
		t.Fatal(err)
	}
	beside := anEvent("beside")
	eventually(t, "the queue to take events again", func() bool {
		beside.Source, beside.ID = "github", id(n) // confirms of other queues must not keep the session
		publish(t, rabbit, beside)
		return !refused()
	})
}
