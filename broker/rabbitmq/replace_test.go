package rabbitmq_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// RabbitMQ takes back what it sends to a consumer that is being ended, as if its process had died with it. Consumers end
// when they get more room, and with a stop, while events come.
func TestNothingIsCutOffWhenAConsumerEndsUnderLoad(t *testing.T) {
	t.Parallel()
	const stops, each, senders = 10, 500, 16
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	ctx, end := context.WithCancel(patient(t))
	var sending sync.WaitGroup
	defer sending.Wait()
	defer end()
	var sent atomic.Int64
	for range senders {
		sending.Go(func() {
			for ctx.Err() == nil {
				_ = line.Publish(ctx, anEvent(strconv.FormatInt(sent.Add(1), 10))) // the end interrupts some
			}
		})
	}
	var cutOff atomic.Int64
	for range stops {
		var done atomic.Int64
		round, stop := context.WithCancel(ctx)
		err := line.Consume(round, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			if d.Redelivered {
				cutOff.Add(1)
			}
			if done.Add(1) == each {
				stop()
			}
			return broker.Ack()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := cutOff.Load(); n > 0 {
		t.Errorf("%d deliveries were cut off", n)
	}
}
