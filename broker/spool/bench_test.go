package spool_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// load publishes n events of 1 KiB from many senders, and returns the duration of each.
func load(b *testing.B, to broker.Publisher, senders, n int) []time.Duration {
	b.Helper()
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				e := sample(fmt.Sprint(i))
				e.Data = make([]byte, 1024)
				ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
				begin := time.Now()
				if err := to.Publish(ctx, e); err != nil {
					b.Error(err)
				}
				cancel()
				took[i] = time.Since(begin)
			}
		})
	}
	wg.Wait()
	return took
}

// BenchmarkSpool measures an outage: every event goes to the disk.
func BenchmarkSpool(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		for _, senders := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("backlog=%d/senders=%d", backlog, senders), func(b *testing.B) {
				r := realRig(b, storeConfig(b))
				r.fake.become(fault{ready: broker.ErrDown})
				load(b, r, 64, backlog)
				b.ResetTimer()
				load(b, r, senders, b.N)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// switchable is a real broker that can be declared down.
type switchable struct {
	*rabbitmq.Broker
	down atomic.Bool
}

func (s *switchable) Ready() error {
	if s.down.Load() {
		return broker.ErrDown
	}
	return s.Broker.Ready()
}

// BenchmarkDrain publishes spooled events to a real RabbitMQ, at first alone, then beside live traffic of eight senders.
func BenchmarkDrain(b *testing.B) {
	b.Run("alone", func(b *testing.B) {
		r, rabbit := rabbitRig(b)
		load(b, r, 64, b.N)
		b.ResetTimer()
		rabbit.down.Store(false)
		r.run(b)
		for r.metric(b, "waiting", "") > 0 {
			<-time.After(10 * time.Millisecond)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	for _, backlog := range []int{0, 50_000} {
		b.Run(fmt.Sprintf("live/backlog=%d", backlog), func(b *testing.B) {
			r, rabbit := rabbitRig(b)
			load(b, r, 64, backlog)
			rabbit.down.Store(false)
			r.run(b)
			b.ResetTimer()
			took := load(b, r, 8, b.N)
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-p99")
			b.ReportMetric(r.metric(b, "drained_total", "")/b.Elapsed().Seconds(), "drained/s")
		})
	}
}

// rabbitRig is a rig on a real RabbitMQ that is declared down.
func rabbitRig(b *testing.B) (rig, *switchable) {
	b.Helper()
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(b)}, Routes: []broker.Route{{Name: "archive", Match: []string{"#"}, Concurrency: 1}}}
	rabbit, err := rabbitmq.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = rabbit.Close(context.Background()) })
	for rabbit.Ready() != nil {
		<-time.After(10 * time.Millisecond)
	}
	switched := &switchable{Broker: rabbit}
	switched.down.Store(true)
	store, shut := openStore(b, storeConfig(b))
	b.Cleanup(shut)
	s, reg := newSpool(b, switched, store)
	return rig{Spool: s, reg: reg}, switched
}
