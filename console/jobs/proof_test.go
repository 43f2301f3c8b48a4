package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// heldWorker handles one event each time that the test lets it.
type heldWorker struct{ turns chan error }

func (h heldWorker) handle(event.Delivery) error { return <-h.turns }

func TestAProofDoesOneThenTenThenTheRest(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(30)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Journal: m, Routes: []string{"exports"}})
	p := plan(t, j, deadExports)
	run(t, j)
	v := start(t, j, p.ID, jobs.Options{Proof: true})
	await(t, j, v.ID, "the first event waits", func(v jobs.Job) bool {
		return v.Counts.Waiting == 1 && v.Counts.Left == 29 && v.Stage == jobs.Stage{Number: 1, Size: 1, Acted: 1}
	})
	worker := heldWorker{make(chan error, 30)}
	consume(t, b, exports, m, worker.handle)
	worker.turns <- nil
	await(t, j, v.ID, "ten events wait", func(v jobs.Job) bool {
		return v.Counts.Waiting == 10 && v.Counts.Left == 19 && v.Stage == jobs.Stage{Number: 2, Size: 10, Acted: 10}
	})
	for range 10 {
		worker.turns <- nil
	}
	await(t, j, v.ID, "the rest waits", func(v jobs.Job) bool {
		return v.Counts.Waiting == 19 && v.Counts.Left == 0 && v.Stage == jobs.Stage{Number: 3, Size: 19, Acted: 19}
	})
	for range 19 {
		worker.turns <- nil
	}
	if v = awaitState(t, j, v.ID, jobs.Finished); v.Counts.Done != 30 || !strings.HasPrefix(v.Result, "30 of 30 done") {
		t.Errorf("the job ended with %+v, %q", v.Counts, v.Result)
	}
}

func TestAProofStopsAtTheFirstRelapse(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(30)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Journal: m, Routes: []string{"exports"}})
	p := plan(t, j, deadExports)
	run(t, j)
	worker := heldWorker{make(chan error, 30)}
	consume(t, b, exports, m, worker.handle)
	v := start(t, j, p.ID, jobs.Options{Proof: true})
	for range 3 {
		worker.turns <- nil
	}
	worker.turns <- errors.New("the disk is full again")
	v = awaitState(t, j, v.ID, jobs.Stopped)
	if v.Counts.Left != 19 || v.Counts.FailedAgain != 1 || !strings.Contains(v.Result, "the disk is full again") {
		t.Errorf("the job ended with %+v, %q", v.Counts, v.Result)
	}
	for range 7 {
		worker.turns <- nil
	}
	await(t, j, v.ID, "the outcomes after the stop", func(v jobs.Job) bool { return v.Counts.Waiting == 0 && v.Counts.Done == 10 })
	if dead := deadIDs(t, b); len(dead) != 20 {
		t.Errorf("%d dead letters after the proof", len(dead))
	}
}

// failures counts the events that have ever failed: jobs.Parts.Joined.
type failures struct {
	mu     sync.Mutex
	joined map[string]int64 // by route and cause
	last   time.Time
}

func (f *failures) Joined(_ context.Context, route, cause string) (int64, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.joined[route+": "+cause], f.last, nil
}

func TestAJobCountsNewFailuresOfItsCause(t *testing.T) {
	t.Parallel()
	b, m, f := openEmbedded(t, exports), newMemory(), &failures{joined: map[string]int64{"exports: the disk is full": 3}}
	makeDead(t, b, exports, m, errDisk, ids(3)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Journal: m, Routes: []string{"exports"}, Joined: f.Joined})
	r := deadExports
	r.Selection.Cause = "the disk is full"
	v := start(t, j, plan(t, j, r).ID, jobs.Options{})
	run(t, j)
	await(t, j, v.ID, "all are acted on", func(v jobs.Job) bool { return v.Counts.Waiting == 3 })
	f.mu.Lock()
	f.joined["exports: the disk is full"], f.last = 5, time.UnixMilli(7000).UTC()
	f.joined["exports: the name is taken"] = 9
	f.mu.Unlock()
	m.add(journal.Attempt{}) // the journal has changed
	v = await(t, j, v.ID, "the new failures", func(v jobs.Job) bool { return v.NewFailures > 0 })
	if v.NewFailures != 2 || !v.NewFailure.Equal(f.last) {
		t.Errorf("%d new failures, the last at %v", v.NewFailures, v.NewFailure)
	}
}
