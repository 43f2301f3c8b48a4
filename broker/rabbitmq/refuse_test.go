package rabbitmq_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAnEventThatNoQueueTakesIsRefused(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "github.#")}})
	publish(t, line, anEvent("unrouted"))
	eventually(t, "the event is unrouted", func() bool { return waiting(t, line, broker.UnroutedQueue) == 1 }) // by the connection that declares last
	if err := channel(t, url).QueueUnbind(broker.UnroutedQueue, "", rabbitmq.UnroutedExchange, nil); err != nil {
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
	for _, q := range rabbitmq.NewTopology([]broker.Route{r}).Queues {
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

// RabbitMQ tells a channel that a full queue has room again when it gets shorter than its limit. If the limit is taken away
// before, 3.10 never tells.
func TestALimitThatIsTakenAwayFromAFullQueueRefusesNoLonger(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	_, vhost, _ := strings.Cut(strings.TrimPrefix(url, "amqp://"), "/")
	r, other := route("archive", "alma.#"), route("other", "github.#")
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, other}})
	eventually(t, "the queue is there", func() bool { return waiting(t, line, broker.WorkQueue(r.Name)) == 0 })
	shared := rabbitnode.Shared(t)
	if err := shared.SetPolicy(t.Context(), vhost, "short", "^"+broker.WorkQueue(r.Name)+"$", map[string]any{"max-length": 3}); err != nil {
		t.Fatal(err)
	}
	var n int
	refused := func() bool {
		n++
		return line.Publish(patient(t), anEvent(id(n))) != nil
	}
	eventually(t, "the full queue refuses", refused)
	if err := shared.DeletePolicy(t.Context(), vhost, "short"); err != nil {
		t.Fatal(err)
	}
	beside := anEvent("beside")
	eventually(t, "the queue takes events again", func() bool {
		beside.Source, beside.ID = "github", id(n) // what other queues take says nothing of this one
		publish(t, line, beside)
		return !refused()
	})
}
