package rabbitmq_test

import (
	"context"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// RabbitMQ takes back deliveries that are unsettled for 30 minutes, and checks once a minute. Here the timeout is 6 seconds, and
// it checks each second. Package worker limits a route's timeout to less than a third of the consumer timeout, because a
// delivery can wait for two others and then run.
func TestWorkWithinAThirdOfTheConsumerTimeoutRunsOnce(t *testing.T) {
	t.Parallel()
	const events, took = 8, 1700 * time.Millisecond
	r := route("archive", "#")
	r.Concurrency = 1
	node := impatient(t, "6000")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	for i := range events {
		publish(t, rabbit, anEvent(id(i)))
	}
	got := make(chan event.Delivery, 100)
	stop := consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		<-time.After(took)
		got <- d
		return broker.Ack()
	})
	seen := map[string]int{}
	for range events {
		d := next(t, got)
		if seen[d.Event.ID]++; d.Redelivered || seen[d.Event.ID] > 1 {
			t.Errorf("event %s, delivery %d: redelivered %v", d.Event.ID, seen[d.Event.ID], d.Redelivered)
		}
	}
	stop()
	if n := waiting(t, rabbit, broker.WorkQueue("archive")); n != 0 || len(got) > 0 {
		t.Errorf("%d events wait, %d came again", n, len(got))
	}
}

func TestWorkBeyondTheConsumerTimeoutComesBackAsCrashed(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	node := impatient(t, "2000")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("long"))
	got := make(chan event.Delivery, 10)
	again := make(chan struct{})
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		got <- d
		if !d.Redelivered {
			<-again // until the consumer timeout
		}
		return broker.Ack()
	})
	first := next(t, got)
	if d := next(t, got); d.Event.ID != "long" || !d.Redelivered || d.Attempt != first.Attempt {
		t.Errorf("it came back as %+v", d)
	}
	close(again)
	eventually(t, "the queue to be empty", func() bool { return waiting(t, rabbit, broker.WorkQueue("archive")) == 0 })
}

// impatient starts a node with a consumer timeout in milliseconds, which it checks every second.
func impatient(t *testing.T, timeout string) *rabbitnode.Node {
	t.Helper()
	node := rabbitnode.Start(t, "consumer_timeout = "+timeout)
	if err := node.Ctl(patient(t), "eval", "application:set_env(rabbit, channel_tick_interval, 1000)."); err != nil {
		t.Fatal(err)
	}
	return node
}
