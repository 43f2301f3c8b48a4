package jobs_test

import (
	"context"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/test/rabbitnode"
)

// passing counts the events that walks pass.
type passing struct {
	jobs.Undelivered
	passed []int
}

func (p *passing) Discard(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	n := 0
	done, err := p.Undelivered.Discard(ctx, route, func(u broker.UndeliveredEvent) bool { n++; return pick(u) })
	p.passed = append(p.passed, n)
	return done, err
}

func TestTheWalksOfAJobGoThroughAQueueOnce(t *testing.T) {
	t.Parallel()
	b, m := openRabbit(t, rabbitnode.URL(t)), newMemory()
	all := ids(300)
	makeDead(t, b, exports, m, errDisk, all...)
	p := &passing{Undelivered: b}
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: p, Routes: []string{"exports"}})
	chosen := plan(t, j, jobs.PlanRequest{Action: jobs.Discard, Selection: jobs.Selection{From: jobs.FromDead, IDs: all[290:]}})
	run(t, j)
	awaitState(t, j, start(t, j, chosen.ID, jobs.Options{Rate: 2}).ID, jobs.Finished)
	sum := 0
	for _, n := range p.passed {
		sum += n
	}
	if len(p.passed) < 5 || sum > 400 { // five walks from the begin would pass 1,480
		t.Errorf("the walks passed %v events", p.passed)
	}
}
