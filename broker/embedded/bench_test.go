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

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// body has the size of a webhook, and does not compress.
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

// send publishes n events from many senders; their IDs begin with the prefix.
func send(tb testing.TB, sqlite broker.Publisher, senders, n int, prefix string) {
	tb.Helper()
	data := body(tb)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := sqlite.Publish(context.Background(), sample(fmt.Sprint(prefix, i), data)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// handle acknowledges n events.
func handle(tb testing.TB, sqlite broker.Consumer, r broker.Route, n int) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var left atomic.Int64
	left.Store(int64(n))
	err := sqlite.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
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

// backlogs returns the numbers of events that wait during a measurement.
func backlogs() []int { return []int{0, 1_000_000} }

// benchConfig configures a broker as `hookline run` opens it, with n events that wait for the route archive. It remembers the latest of them.
func benchConfig(b *testing.B, n int, routes ...broker.Route) embedded.Config {
	b.Helper()
	cfg := embedded.Config{
		Path: filepath.Join(b.TempDir(), "line.db"), Routes: append(routes, archive(1)), Duplicates: 2 * time.Hour,
	}
	sqlite := openOnce(b, cfg)
	send(b, sqlite, 64, min(n, broker.MaxRecentEvents), "latest")
	shut(b, sqlite)
	if n <= broker.MaxRecentEvents {
		return cfg
	}
	_, err := database(b, cfg.Path).ExecContext(b.Context(), `
		CREATE TEMP TABLE n AS WITH RECURSIVE n(seq) AS (SELECT 1 + max(seq) FROM event UNION ALL SELECT seq + 1 FROM n WHERE seq < ?1) SELECT seq FROM n;
		INSERT INTO event SELECT n.seq, 'earlier ' || n.seq, source, action, time, content_type, header, data, checksum FROM n CROSS JOIN event e ON e.seq = 1;
		INSERT INTO delivery (state, route, at, seq) SELECT 'work', 'archive', 0, seq FROM n;
		UPDATE tally SET n = ?1 WHERE what = 'stored'`, n)
	if err != nil {
		b.Fatal(err)
	}
	return cfg
}

// perBacklog runs a benchmark on brokers with each backlog. go test calls a benchmark several times with a growing b.N; the calls share the
// broker.
func perBacklog(b *testing.B, measure func(b *testing.B, sqlite *embedded.Broker), routes ...broker.Route) {
	for _, n := range backlogs() {
		b.Run(fmt.Sprintf("waiting=%d", n), func(b *testing.B) {
			measure(b, open(b, benchConfig(b, n, routes...)))
		})
	}
}

func BenchmarkEnqueue(b *testing.B) {
	perBacklog(b, func(b *testing.B, sqlite *embedded.Broker) {
		for _, senders := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
				send(b, sqlite, senders, b.N, unique())
				rate(b, "events/s")
			})
		}
	})
}

// BenchmarkDequeue handles waiting events.
func BenchmarkDequeue(b *testing.B) {
	perBacklog(b, func(b *testing.B, sqlite *embedded.Broker) {
		for _, concurrency := range []int{4, 8, 64} {
			b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
				send(b, sqlite, 64, b.N, unique())
				b.ResetTimer()
				handle(b, sqlite, archive(concurrency), b.N)
				rate(b, "events/s")
			})
		}
	})
}

// BenchmarkDequeueWhileWritten handles as many events as 64 senders store at the same time.
func BenchmarkDequeueWhileWritten(b *testing.B) {
	perBacklog(b, func(b *testing.B, sqlite *embedded.Broker) {
		for _, concurrency := range []int{4, 8, 64} {
			b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
				var handled sync.WaitGroup
				began := time.Now()
				handled.Go(func() { handle(b, sqlite, archive(concurrency), b.N) })
				send(b, sqlite, 64, b.N, unique())
				sent := time.Since(began)
				handled.Wait()
				rate(b, "events/s")
				b.ReportMetric(float64(b.N)/sent.Seconds(), "enqueued/s")
			})
		}
	})
}

// BenchmarkNeighbour measures an event on one route while workers handle the backlog of another route.
func BenchmarkNeighbour(b *testing.B) {
	quiet := broker.Route{Name: "quiet", Match: []string{"alma.loan"}, Concurrency: 1}
	perBacklog(b, func(b *testing.B, sqlite *embedded.Broker) {
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(b.Context())
		var consumers sync.WaitGroup
		consumers.Go(func() {
			_ = sqlite.Consume(ctx, archive(8), func(context.Context, event.Delivery) broker.Outcome { return broker.Ack() })
		})
		consumers.Go(func() {
			_ = sqlite.Consume(ctx, quiet, func(context.Context, event.Delivery) broker.Outcome {
				done <- struct{}{}
				return broker.Ack()
			})
		})
		e := sample("", body(b))
		e.Action = "loan"
		b.ResetTimer()
		for b.Loop() {
			e.ID = unique()
			if err := sqlite.Publish(ctx, e); err != nil {
				b.Fatal(err)
			}
			<-done
		}
		b.StopTimer()
		cancel()
		consumers.Wait()
	}, quiet)
}

func BenchmarkAudit(b *testing.B) {
	perBacklog(b, func(b *testing.B, sqlite *embedded.Broker) {
		for b.Loop() {
			if found, err := sqlite.Audit(b.Context()); err != nil || found.Unaccounted != 0 {
				b.Fatal(found, err)
			}
		}
	})
}

func BenchmarkQueues(b *testing.B) {
	perBacklog(b, func(b *testing.B, sqlite *embedded.Broker) {
		for b.Loop() {
			if _, err := sqlite.Queues(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpen measures the share of the broker in the start of a process.
func BenchmarkOpen(b *testing.B) {
	for _, n := range backlogs() {
		b.Run(fmt.Sprintf("waiting=%d", n), func(b *testing.B) {
			cfg := benchConfig(b, n)
			for b.Loop() {
				sqlite := openOnce(b, cfg)
				b.StopTimer()
				shut(b, sqlite)
				b.StartTimer()
			}
		})
	}
}

// unique returns a new ID.
func unique() string { return rand.Text() }

func rate(b *testing.B, unit string) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
}
