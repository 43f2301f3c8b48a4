package embedded_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// body is of the size of a webhook, and does not compress.
func body(tb testing.TB) []byte {
	b := make([]byte, 1024)
	if _, err := rand.Read(b); err != nil {
		tb.Fatal(err)
	}
	return b
}

func sample(id string, data []byte) event.Event {
	return event.Event{
		ID: id, Source: "alma", Action: "job_end", Time: time.UnixMilli(1_700_000_000_123).UTC(),
		ContentType: "application/json", Header: map[string]string{"X-Exl-Signature": "c2lnbmF0dXJl"}, Data: data,
	}
}

// send publishes n events from many senders.
func send(tb testing.TB, line broker.Publisher, senders, n int) {
	tb.Helper()
	data := body(tb)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := line.Publish(context.Background(), sample(fmt.Sprint(i), data)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// handle acknowledges n events.
func handle(tb testing.TB, line broker.Consumer, r broker.Route, n int) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var left atomic.Int64
	left.Store(int64(n))
	err := line.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
		if left.Add(-1) == 0 {
			cancel()
		}
		return broker.Ack()
	})
	if err != nil {
		tb.Error(err)
	}
}

func archive(concurrency int) broker.Route {
	return broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: concurrency}
}

func benchLine(b *testing.B, backlog int) *embedded.Line {
	line := open(b, embedded.Config{Path: filepath.Join(b.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}})
	send(b, line, 64, backlog)
	return line
}

func BenchmarkPublish(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		for _, senders := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("backlog=%d/senders=%d", backlog, senders), func(b *testing.B) {
				line := benchLine(b, backlog)
				b.ResetTimer()
				send(b, line, senders, b.N)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

func BenchmarkConsume(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		for _, concurrency := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("backlog=%d/concurrency=%d", backlog, concurrency), func(b *testing.B) {
				line := benchLine(b, backlog+b.N)
				b.ResetTimer()
				handle(b, line, archive(concurrency), b.N)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
