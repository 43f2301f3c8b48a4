package rabbitmq_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func BenchmarkConsume(b *testing.B) {
	for _, took := range []time.Duration{0, 2 * time.Millisecond} {
		for _, at := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("handler=%v/concurrency=%d", took, at), func(b *testing.B) {
				r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: at}
				line := open(b, rabbitmq.Config{URLs: []string{rabbitnode.URL(b)}, Routes: []broker.Route{r}})
				fill(b, line, b.N)
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
				err := line.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
					if took > 0 {
						<-time.After(took)
					}
					left <- struct{}{}
					return broker.Ack()
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// fill publishes n events, 64 at a time.
func fill(b testing.TB, line *rabbitmq.Line, n int) {
	b.Helper()
	work := make(chan int)
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for i := range work {
				if err := line.Publish(b.Context(), anEvent(id(i))); err != nil {
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
