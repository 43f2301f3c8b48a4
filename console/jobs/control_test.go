package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
)

func TestOfTwoBrowsersOneStartsAPlan(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(3)...)
	dir := t.TempDir()
	both := [2]*jobs.Jobs{}
	for i := range both { // two processes that serve the same console
		both[i] = openJobs(t, dir, jobs.Parts{Undelivered: b, Routes: []string{"exports"}})
	}
	p := plan(t, both[0], deadExports)
	var errs [2]error
	var wg sync.WaitGroup
	for i, j := range both {
		wg.Go(func() { _, errs[i] = j.Start(patient(t), p.ID, jobs.Options{By: "sample.operator"}) })
	}
	wg.Wait()
	refused := errors.Join(errs[:]...)
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(refused, jobs.ErrState) || !strings.Contains(refused.Error(), "sample.operator started it at") {
		t.Errorf("two starts: %v", errs)
	}
	if entries, err := both[1].Log(patient(t), jobs.LogPage{Limit: 9}); err != nil || len(entries) != 1 {
		t.Errorf("the log is %+v, %v", entries, err)
	}
}

// counting counts the calls of Replay.
type counting struct {
	jobs.Undelivered
	replays atomic.Int64
}

func (c *counting) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	c.replays.Add(1)
	return c.Undelivered.Replay(ctx, route, pick)
}

func TestOneProcessDoesTheJobsAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(100)...)
	dir, acts := t.TempDir(), [2]*counting{{Undelivered: b}, {Undelivered: b}}
	first := openJobs(t, dir, jobs.Parts{Undelivered: acts[0], Routes: []string{"exports"}})
	second := openJobs(t, dir, jobs.Parts{Undelivered: acts[1], Routes: []string{"exports"}})
	some := func(ids ...string) int64 {
		return plan(t, second, jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, IDs: ids}}).ID
	}
	one, rest := some(id(0)), some(ids(100)[1:]...)
	stop := run(t, first)
	awaitState(t, first, start(t, second, one, jobs.Options{}).ID, jobs.Finished)
	run(t, second)
	v := start(t, second, rest, jobs.Options{Rate: 20})
	await(t, second, v.ID, "the first process has acted twice", func(v jobs.Job) bool { return v.Counts.Done >= 40 })
	stop()
	if n := acts[1].replays.Load(); n != 0 {
		t.Errorf("the second process acted %d times while the first did the jobs", n)
	}
	awaitState(t, second, v.ID, jobs.Finished)
	if dead := deadIDs(t, b); len(dead) != 0 || acts[1].replays.Load() == 0 {
		t.Errorf("dead letters after the job: %v; the second process acted %d times", dead, acts[1].replays.Load())
	}
}

func TestAPausedJobRestsAndAStoppedOneLeavesTheRest(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(6)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Routes: []string{"exports"}})
	v := start(t, j, plan(t, j, deadExports).ID, jobs.Options{Rate: 0.001})
	run(t, j)
	await(t, j, v.ID, "the first event", func(v jobs.Job) bool { return v.Counts.Done == 1 })
	if v, err := j.Pause(patient(t), v.ID, "sample.operator"); err != nil || v.State != jobs.Paused {
		t.Fatalf("a pause: %+v, %v", v, err)
	}
	if _, err := j.Pause(patient(t), v.ID, "sample.librarian"); !errors.Is(err, jobs.ErrState) || !strings.Contains(err.Error(), "paused by sample.operator") {
		t.Errorf("a second pause: %v", err)
	}
	if v, err := j.Resume(patient(t), v.ID, "sample.operator"); err != nil || v.State != jobs.Running {
		t.Fatalf("a resumption: %+v, %v", v, err)
	}
	v, err := j.Stop(patient(t), v.ID, "sample.operator")
	if err != nil || v.State != jobs.Stopped || v.Counts.Done+v.Counts.Left != 6 || v.Counts.Left < 3 {
		t.Fatalf("a stop: %+v, %v", v, err)
	}
	if _, err := j.Resume(patient(t), v.ID, "sample.operator"); !errors.Is(err, jobs.ErrState) {
		t.Errorf("the resumption of a stopped job: %v", err)
	}
	if dead := deadIDs(t, b); len(dead) != v.Counts.Left {
		t.Errorf("%d dead letters, and %d targets left", len(dead), v.Counts.Left)
	}
	entries, err := j.Log(patient(t), jobs.LogPage{Limit: 9})
	var said []string
	for _, e := range entries {
		said = append(said, e.What)
	}
	if err != nil || strings.Join(said, ", ") != "job stopped, job resumed, job paused, job started" {
		t.Errorf("the log says %v, %v", said, err)
	}
}

func TestEachRefusalSaysWhy(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(1)...)
	now := time.Now()
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Routes: []string{"exports"}, Now: func() time.Time { return now }})
	for _, c := range []struct {
		r   jobs.PlanRequest
		why string
	}{
		{jobs.PlanRequest{}, "none of replay, retry_now, discard"},
		{jobs.PlanRequest{Action: jobs.Discard, Selection: jobs.Selection{From: jobs.FromFailing}}, "discard is for dead, unrouted"},
		{jobs.PlanRequest{Action: jobs.RetryNow, Selection: jobs.Selection{From: jobs.FromFailing}, By: "a"}, "cannot act on failing events"},
		{jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromJournal}, To: []string{"exports"}, By: "a"}, "the journal is off"},
		{jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromJournal}, By: "a"}, "to names the routes"},
		{jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromUnrouted, Reason: "timeout"}, By: "a"}, "no failure"},
		{jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, Text: "x"}, By: "a"}, "search the journal only"},
		{jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead}}, "by is empty"},
	} {
		if _, err := j.Plan(patient(t), c.r); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v: %v; want %q", c.r, err, c.why)
		}
	}
	replay := plan(t, j, deadExports)
	discard := plan(t, j, jobs.PlanRequest{Action: jobs.Discard, Selection: jobs.Selection{From: jobs.FromDead}})
	none := plan(t, j, jobs.PlanRequest{Action: jobs.Discard, Selection: jobs.Selection{From: jobs.FromDead, Source: "github"}})
	for _, c := range []struct {
		plan int64
		o    jobs.Options
		why  string
	}{
		{replay.ID, jobs.Options{By: "a", Proof: true}, "a proof needs the journal"},
		{replay.ID, jobs.Options{By: "a", Rate: -1}, "the rate is -1"},
		{replay.ID, jobs.Options{}, "by is empty"},
		{discard.ID, jobs.Options{By: "a"}, "say why"},
		{discard.ID, jobs.Options{By: "a", Why: "b", Proof: true}, "leave the proof out"},
		{none.ID, jobs.Options{By: "a", Why: "b"}, "the plan has no events"},
		{999, jobs.Options{By: "a"}, "a plan is kept for an hour"},
	} {
		if _, err := j.Start(patient(t), c.plan, c.o); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v: %v; want %q", c.o, err, c.why)
		}
	}
	if entries, err := j.Log(patient(t), jobs.LogPage{Limit: 9}); err != nil || len(entries) != 0 {
		t.Errorf("the log of refused starts is %+v, %v", entries, err)
	}
	now = now.Add(jobs.PlanKept + time.Second)
	if _, err := j.Start(patient(t), replay.ID, jobs.Options{By: "a"}); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("an expired plan: %v", err)
	}
}

// Clients read every list as an array, and every time as a time.
func TestTheJSONHasNoNull(t *testing.T) {
	t.Parallel()
	b := openEmbedded(t, exports)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Routes: []string{"exports"}})
	p := plan(t, j, deadExports)
	v, err := j.Get(patient(t), p.ID)
	if err != nil || v.State != jobs.Planned {
		t.Fatalf("the job of a plan: %+v, %v", v, err)
	}
	page, err := j.Targets(patient(t), p.ID, jobs.TargetPage{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{p, v, page})
	if err != nil || strings.Contains(string(text), "null") || strings.Contains(string(text), "0001-01-01") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTheTargetsOfAnOldJobAreForgottenAndItsNumbersStay(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(3)...)
	var later atomic.Int64
	j := openJobs(t, t.TempDir(), jobs.Parts{
		Undelivered: b, Routes: []string{"exports"}, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
	})
	stop := run(t, j)
	v := awaitState(t, j, start(t, j, plan(t, j, deadExports).ID, jobs.Options{}).ID, jobs.Finished)
	stop()
	later.Store(int64(jobs.TargetsKept + time.Hour))
	plan(t, j, deadExports)
	page, err := j.Targets(patient(t), v.ID, jobs.TargetPage{Limit: 9})
	if now, getErr := j.Get(patient(t), v.ID); err != nil || getErr != nil || len(page) != 0 || now.Counts != v.Counts || now.Counts.Done != 3 {
		t.Errorf("after %v there are %d targets, and the job is %+v; %v, %v", jobs.TargetsKept, len(page), now.Counts, err, getErr)
	}
}
