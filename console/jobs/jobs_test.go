package jobs_test

import (
	"errors"
	"testing"

	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/pkg/event"
)

var errDisk = errors.New("the disk is full")

func TestAPlanThenAJobReplaysDeadLetters(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(130)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Journal: m, Routes: []string{"exports"}})

	p := plan(t, j, deadExports)
	if p.Count != 130 || len(p.Sample) != 5 || p.Bytes == 0 || len(p.Routes) != 1 || p.Routes[0] != (jobs.RouteCount{Route: "exports", Count: 130}) {
		t.Fatalf("the plan is %+v", p)
	}
	v := start(t, j, p.ID, jobs.Options{})
	entries, err := j.Log(patient(t), jobs.LogPage{Limit: 10})
	if err != nil || len(entries) != 1 || entries[0].Job != p.ID || entries[0].Count != 130 || entries[0].Who != "sample.operator" || entries[0].Why == "" {
		t.Fatalf("before Run the log is %+v, %v", entries, err)
	}
	run(t, j)
	await(t, j, v.ID, "all are acted on", func(v jobs.Job) bool { return v.Counts.Waiting == 130 })
	consume(t, b, exports, m, func(d event.Delivery) error {
		if d.Event.ID == id(7) {
			return errDisk
		}
		return nil
	})
	v = awaitState(t, j, v.ID, jobs.Finished)
	if v.Counts != (jobs.Counts{Total: 130, Done: 129, FailedAgain: 1}) {
		t.Errorf("the job ended with %+v", v.Counts)
	}
	failed, err := j.Targets(patient(t), v.ID, jobs.TargetPage{State: jobs.FailedAgain, Limit: 10})
	if err != nil || len(failed) != 1 || failed[0].ID != id(7) || failed[0].Why != errDisk.Error() {
		t.Errorf("failed again: %+v, %v", failed, err)
	}
}

func TestADiscardLeavesWhatCameLater(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(20)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Routes: []string{"exports"}})
	p := plan(t, j, jobs.PlanRequest{Action: jobs.Discard, Selection: jobs.Selection{From: jobs.FromDead, Routes: []string{"exports"}}})
	makeDead(t, b, exports, m, errDisk, "later")
	run(t, j)
	v := awaitState(t, j, start(t, j, p.ID, jobs.Options{}).ID, jobs.Finished)
	if v.Counts != (jobs.Counts{Total: 20, Done: 20}) {
		t.Errorf("the job ended with %+v", v.Counts)
	}
	if left := deadIDs(t, b); len(left) != 1 || left[0] != "later" {
		t.Errorf("dead letters after the job: %v", left)
	}
}
