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

// RabbitMQ takes back the messages that it sends to a consumer during its cancellation, and marks them as redelivered. Consumers
// are cancelled while events come: for another prefetch, and by a stop.
func TestNothingIsRedeliveredWhenAConsumerEndsUnderLoad(t *testing.T) {
	t.Parallel()
	const stops, each, senders = 10, 500, 16
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	ctx, end := context.WithCancel(patient(t))
	var sending sync.WaitGroup
	defer sending.Wait()
	defer end()
	var sent atomic.Int64
	for range senders {
		sending.Go(func() {
			for ctx.Err() == nil {
				_ = rabbit.Publish(ctx, anEvent(strconv.FormatInt(sent.Add(1), 10))) // the end of the test interrupts some
			}
		})
	}
	var redelivered atomic.Int64
	for range stops {
		var done atomic.Int64
		round, stop := context.WithCancel(ctx)
		err := rabbit.Consume(round, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			if d.Redelivered {
				redelivered.Add(1)
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
	if n := redelivered.Load(); n > 0 {
		t.Errorf("%d deliveries were redelivered", n)
	}
}

// A stop does not count as an attempt, neither for running events nor for fetched ones.
func TestManyStopsMakeNoDeadLetters(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	r.Concurrency = 1
	rabbit := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("1"), anEvent("2"), anEvent("3"))
	for stops := range 25 {
		if n := waiting(t, rabbit, broker.DeadQueue("archive")); n != 0 {
			t.Fatalf("%d dead letters after %d stops", n, stops)
		}
		ctx, stop := context.WithCancel(patient(t))
		err := rabbit.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
			stop()
			return broker.Requeue()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// RabbitMQ does not cancel the consumers of a quorum queue that is deleted and declared again at once, and takes its messages to
// them for repeats.
func TestAQueueThatWasDeclaredAgainByOthersIsConsumed(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	rabbit := open(t, cfg)
	got := take(t, rabbit, r)
	for i := range 20 {
		publish(t, rabbit, anEvent(id(i)))
		next(t, got)
	}
	ch := channel(t, url)
	if _, err := ch.QueueDelete(broker.WorkQueue(r.Name), false, false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		publish(t, rabbit, anEvent(id(100+i)))
	}
	for range 4 { // RabbitMQ 4.0 may confirm one event for the old queue, and lose it
		next(t, got)
	}
}
