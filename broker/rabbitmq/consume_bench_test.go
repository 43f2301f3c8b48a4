package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// BenchmarkConsume compares the broker with a bare consumer of the same queue with the same handler. The bare consumer writes no
// ledger, and acknowledges each message, or many at once. To interleave them, run it with -count.
func BenchmarkConsume(b *testing.B) {
	for _, took := range []time.Duration{0, 2 * time.Millisecond} {
		for _, at := range []int{1, 4, 16} {
			r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: at}
			of := fmt.Sprintf("handler=%v/concurrency=%d/", took, at)
			b.Run(of+"line", func(b *testing.B) { benchmarkBroker(b, r, took) })
			for _, prefetch := range []int{2 * at, 2*at + 64} {
				for _, many := range []bool{false, true} {
					b.Run(of+fmt.Sprintf("bare,prefetch=%d,multiple=%v", prefetch, many), func(b *testing.B) {
						bare{prefetch, many}.benchmark(b, r, took)
					})
				}
			}
		}
	}
}

func benchmarkBroker(b *testing.B, r broker.Route, took time.Duration) {
	rabbit := open(b, rabbitmq.Config{URLs: []string{rabbitnode.URL(b)}, Routes: []broker.Route{r}})
	fill(b, rabbit, b.N)
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	left := make(chan struct{}, b.N)
	b.ResetTimer()
	go func() {
		for range b.N {
			<-left
		}
		stop()
	}()
	err := rabbit.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
		work(took)
		left <- struct{}{}
		return broker.Ack()
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// bare is a minimal consumer.
type bare struct {
	prefetch int
	multiple bool // acknowledges half of the prefetch at once
}

func (c bare) benchmark(b *testing.B, r broker.Route, took time.Duration) {
	url := rabbitnode.URL(b)
	fill(b, open(b, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}), b.N)
	ch := channel(b, url)
	if err := ch.Qos(c.prefetch, 0, false); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	deliveries, err := ch.Consume(broker.WorkQueue(r.Name), "", false, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	worked := make(chan amqp.Delivery, c.prefetch)
	for range r.Concurrency {
		go func() {
			for d := range deliveries {
				work(took)
				worked <- d
			}
		}()
	}
	c.settle(b, worked)
	if _, err := ch.QueueDeclarePassive(broker.WorkQueue(r.Name), true, false, false, false, nil); err != nil { // RabbitMQ answers after the acks
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func (c bare) settle(b *testing.B, worked <-chan amqp.Delivery) {
	low, above := uint64(0), map[uint64]bool{} // tags of the handled deliveries: all up to low, and those in above
	for n, acked := uint64(0), uint64(0); n < uint64(b.N); n++ {
		d := <-worked
		if !c.multiple {
			if err := d.Ack(false); err != nil {
				b.Fatal(err)
			}
			continue
		}
		for above[d.DeliveryTag] = true; above[low+1]; low++ {
			delete(above, low+1)
		}
		if low-acked >= uint64(c.prefetch+1)/2 || low == uint64(b.N) {
			if err := d.Acknowledger.Ack(low, true); err != nil {
				b.Fatal(err)
			}
			acked = low
		}
	}
}

func work(took time.Duration) {
	if took > 0 {
		<-time.After(took)
	}
}

// fill publishes n events of 1.2 kB, 64 at a time.
func fill(b testing.TB, rabbit *rabbitmq.Broker, n int) {
	b.Helper()
	work := make(chan int)
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for i := range work {
				e := anEvent(id(i))
				e.Data = make([]byte, 1200)
				err := broker.ErrDown
				for errors.Is(err, broker.ErrDown) && b.Context().Err() == nil { // a busy machine connects slowly
					err = rabbit.Publish(b.Context(), e)
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	senders.Wait()
}
