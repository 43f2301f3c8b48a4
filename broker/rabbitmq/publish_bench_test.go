package rabbitmq_test

import (
	"fmt"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func BenchmarkPublish(b *testing.B) {
	for _, senders := range []int{1, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			rabbit := open(b, rabbitmq.Config{URLs: []string{rabbitnode.URL(b)}, Routes: []broker.Route{route("archive", "#")}})
			e := anEvent("1")
			e.Data = make([]byte, 1024)
			if err := rabbit.Publish(b.Context(), e); err != nil {
				b.Fatal(err)
			}
			work := make(chan struct{})
			done := make(chan error, senders)
			b.ReportAllocs()
			b.ResetTimer()
			for range senders {
				go func() {
					var err error
					for range work {
						if err == nil {
							err = rabbit.Publish(b.Context(), e)
						}
					}
					done <- err
				}()
			}
			for range b.N {
				work <- struct{}{}
			}
			close(work)
			for range senders {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
