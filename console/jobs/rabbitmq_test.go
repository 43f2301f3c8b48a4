package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func openRabbit(t testing.TB, url string) *rabbitmq.Broker {
	t.Helper()
	b, err := rabbitmq.Open(rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{exports}}, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return b
}

// Every third dead letter is chosen, another process looks at the queue all the time, and so hides events from the job.
func TestAJobOnRabbitMQLeavesNothingOut(t *testing.T) {
	t.Parallel()
	const n = 360
	url := rabbitnode.URL(t)
	b, other, m := openRabbit(t, url), openRabbit(t, url), newMemory()
	var chosen, rest []string
	for i := range n {
		if e := fmt.Sprintf("event-%03d", i); i%3 == 0 {
			chosen = append(chosen, e)
		} else {
			rest = append(rest, e)
		}
	}
	makeDead(t, b, exports, m, errDisk, append(append([]string{}, chosen...), rest...)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Journal: m, Routes: []string{"exports"}})
	p := plan(t, j, jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, IDs: chosen}})
	if p.Count != len(chosen) {
		t.Fatalf("the plan has %d events", p.Count)
	}
	looking, stop := context.WithCancel(t.Context())
	var looks sync.WaitGroup
	looks.Go(func() {
		for looking.Err() == nil {
			_ = other.Each(looking, "exports", func(broker.UndeliveredEvent) bool { return true })
		}
	})
	run(t, j)
	handled := make(chan string, 2*n)
	consume(t, b, exports, m, func(d event.Delivery) error { handled <- d.Event.ID; return nil })
	v := start(t, j, p.ID, jobs.Options{Proof: true})
	await(t, j, v.ID, "the proof has begun", func(v jobs.Job) bool { return v.Counts.Done+v.Counts.Skipped > 11 })
	stop()
	looks.Wait()
	if v = awaitState(t, j, v.ID, jobs.Finished); v.Counts != (jobs.Counts{Total: len(chosen), Done: len(chosen)}) {
		t.Errorf("the job ended with %+v", v.Counts)
	}
	if len(handled) != len(chosen) {
		t.Errorf("%d of %d events were handled", len(handled), len(chosen))
	}
	if left := deadIDs(t, b); len(left) != len(rest) {
		t.Errorf("%d dead letters are left; want %d", len(left), len(rest))
	}
}
