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

// RabbitMQ takes back what was not settled for 30 minutes, and looks once a minute; here it is 6 seconds, and it looks
// each second. Package worker bounds a route's timeout to less than a third of it: so long is the time that a delivery
// can wait for others and then run.
func TestWorkWithinAThirdOfTheConsumerTimeoutIsNotRunTwice(t *testing.T) {
	t.Parallel()
	const events, took = 8, 1700 * time.Millisecond
	r := route("archive", "#")
	r.Concurrency = 1
	node := impatient(t, "6000")
	line := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	for i := range events {
		publish(t, line, anEvent(id(i)))
	}
	got := make(chan event.Delivery, 100)
	stop := consume(t, line, r, func(_ context.Context, d event.Delivery) broker.Outcome {
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
	if n := waiting(t, line, broker.WorkQueue("archive")); n != 0 || len(got) > 0 {
		t.Errorf("%d events wait, %d came again", n, len(got))
	}
}

func TestWorkBeyondTheConsumerTimeoutComesBackAsCrashed(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	node := impatient(t, "2000")
	line := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, line, anEvent("long"))
	got := make(chan event.Delivery, 10)
	again := make(chan struct{})
	consume(t, line, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		got <- d
		if !d.Redelivered {
			<-again // until RabbitMQ has lost its patience
		}
		return broker.Ack()
	})
	first := next(t, got)
	if d := next(t, got); d.Event.ID != "long" || !d.Redelivered || d.Attempt != first.Attempt {
		t.Errorf("it came back as %+v", d)
	}
	close(again)
	eventually(t, "the queue to be empty", func() bool { return waiting(t, line, broker.WorkQueue("archive")) == 0 })
}

// impatient is a node with a consumer timeout of some milliseconds, which it looks at every second.
func impatient(t *testing.T, timeout string) *rabbitnode.Node {
	t.Helper()
	node := rabbitnode.Start(t, "consumer_timeout = "+timeout)
	if err := node.Ctl(patient(t), "eval", "application:set_env(rabbit, channel_tick_interval, 1000)."); err != nil {
		t.Fatal(err)
	}
	return node
}
