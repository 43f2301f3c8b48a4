package jobs_test

import (
	"sync"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/pkg/event"
)

const many = 100_000

// BenchmarkDiscard measures a plan and a job over many dead letters: all of them, and one of a hundred that are at the end of the queue.
func BenchmarkDiscard(b *testing.B) {
	for name, request := range map[string]jobs.Selection{
		"all":  {From: jobs.FromDead},
		"some": {From: jobs.FromDead, Action: "some"},
		"rate": {From: jobs.FromDead, Action: "few"},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				br := openEmbedded(b, exports)
				makeManyDead(b, br)
				j := openJobs(b, b.TempDir(), jobs.Parts{Undelivered: br, Routes: []string{"exports"}})
				run(b, j)
				b.StartTimer()
				began := b.Elapsed()
				p := plan(b, j, jobs.PlanRequest{Action: jobs.Discard, Selection: request})
				b.ReportMetric((b.Elapsed() - began).Seconds(), "s/plan")
				rate := 0.0
				if name == "rate" {
					rate = 1
				}
				began = b.Elapsed()
				v := awaitState(b, j, start(b, j, p.ID, jobs.Options{Rate: rate}).ID, jobs.Finished)
				b.ReportMetric((b.Elapsed()-began).Seconds()*1000/float64(v.Counts.Done), "ms/event")
			}
		})
	}
}

// makeManyDead stores many dead letters of 1.2 kB. Every hundredth has the action "some", and the last 20 have "few".
func makeManyDead(b testing.TB, br broker.Broker) {
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := worker; i < many; i += 64 {
				e := anEvent(id(i))
				e.Data = make([]byte, 1200)
				switch {
				case i >= many-20:
					e.Action = "few"
				case i%100 == 0:
					e.Action = "some"
				}
				publish(b, br, e)
			}
		})
	}
	wg.Wait()
	died := make(chan struct{}, many)
	r := exports
	r.Concurrency = 64
	stop := consume(b, br, r, newMemory(), func(event.Delivery) error { died <- struct{}{}; return errDisk })
	for range many {
		<-died
	}
	stop()
}
