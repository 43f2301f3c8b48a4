package jobs_test

import (
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// BenchmarkReplay measures a plan and a job over 100,000 dead letters of 1.2 kB, or HOOKLINE_BENCH_DEAD of them: over all, over one of a
// hundred, and over the youngest 20 at one event per second.
func BenchmarkReplay(b *testing.B) {
	n := 100_000
	if set := os.Getenv("HOOKLINE_BENCH_DEAD"); set != "" {
		n, _ = strconv.Atoi(set)
	}
	for name, open := range map[string]func(testing.TB) broker.Broker{
		"embedded": func(t testing.TB) broker.Broker { return openEmbedded(t, exports) },
		"rabbitmq": func(t testing.TB) broker.Broker { return openRabbit(t, rabbitnode.URL(t)) },
	} {
		b.Run(name, func(b *testing.B) {
			br := open(b)
			makeManyDead(b, br, n)
			j := openJobs(b, b.TempDir(), jobs.Parts{Undelivered: br, Routes: []string{"exports"}})
			run(b, j)
			for _, c := range []struct {
				name, action string
				rate         float64
			}{{"slow", "few", 1}, {"some", "some", 0}, {"all", "", 0}} {
				b.Run(c.name, func(b *testing.B) {
					p := plan(b, j, jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, Action: c.action}})
					if p.Count == 0 {
						b.Skip("a second round has nothing to do")
					}
					planned := b.Elapsed()
					b.ResetTimer()
					v := awaitState(b, j, start(b, j, p.ID, jobs.Options{Rate: c.rate}).ID, jobs.Finished)
					b.ReportMetric(b.Elapsed().Seconds()*1000/float64(v.Counts.Done), "ms/event")
					b.ReportMetric(planned.Seconds(), "s/plan")
				})
			}
		})
	}
}

// makeManyDead stores n dead letters. Every hundredth has the action "some", and the last 20 have "few".
func makeManyDead(b testing.TB, br broker.Broker, n int) {
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := worker; i < n; i += 64 {
				e := anEvent(id(i))
				e.Data = make([]byte, 1200)
				switch {
				case i >= n-20:
					e.Action = "few"
				case i%100 == 0:
					e.Action = "some"
				}
				publish(b, br, e)
			}
		})
	}
	wg.Wait()
	died := make(chan struct{}, n)
	r := exports
	r.Concurrency = 64
	stop := consume(b, br, r, newMemory(), func(event.Delivery) error { died <- struct{}{}; return errDisk })
	for range n {
		<-died
	}
	stop()
}
