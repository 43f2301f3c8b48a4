package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/consoletest"
	"github.com/hookline/hookline/console/jobs"
)

func TestARouteIsPausedAndResumedWithALineInTheLog(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, page := b.get("/routes")
	wants(t, page, "by sample.operator, Wed 08:42:07: “sandbox is made anew”", "Paused itself", "alma.job_end, chosen by", "371,170", "Sum")
	if status, page := b.post("/routes/archive/pause", url.Values{"why": {" "}}); status != http.StatusBadRequest || !strings.Contains(page, "Why should the route pause?") {
		t.Errorf("a pause without a reason: %d", status)
	}
	if status, _ := b.post("/routes/nothing/pause", url.Values{"why": {"x"}}); status != http.StatusNotFound {
		t.Errorf("a route that is not there: %d", status)
	}
	_, page = b.post("/routes/archive/pause", url.Values{"why": {"<b>the disk is full</b>"}})
	wants(t, page, "Done. Workers obey within seconds.", "“&lt;b&gt;the disk is full&lt;/b&gt;”", "Resume archive")
	_, page = b.post("/routes/archive/resume", nil)
	if strings.Contains(page, "the disk is full") {
		t.Error("the route is still paused")
	}
	_, page = b.get("/who")
	wants(t, page, "Route paused: <bdi>archive</bdi>", "Route resumed: <bdi>archive</bdi>", "somebody without a login", "&lt;b&gt;the disk is full&lt;/b&gt;", "refused: no worker consumes the route")
}

func TestABulkActIsPlannedProvedAndAddsUp(t *testing.T) {
	library := consoletest.Filled(t)
	b := open(t, library.Parts())
	_, page := b.post("/plan", url.Values{"do": {"replay"}, "from": {"dead"}, "route": {"exports"}})
	wants(t, page, "Plan: replay 41 events to exports", "Nothing has been done yet", "Sample, 5 of 41", "Start with 1 event", "Prove it first")
	id := idOf(t, page)
	_, page = b.post("/jobs/"+id+"/start", url.Values{"how": {"proof"}, "rate": {"1000"}, "why": {"new host key"}})
	wants(t, page, "Replay 41 events to exports", "new host key")
	waitFor(t, library.Jobs, id, jobs.Finished)
	_, page = b.get("/jobs/" + id)
	wants(t, page, "41 of 41 done", "It adds up: 41 + 0 + 0 + 0 + 0 = 41.", "Proof: 1", "Proof: 10", "The rest: 30", "No new failure of this cause")
	_, page = b.get("/jobs")
	wants(t, page, "Replay 41 events to exports", "41 of 41", "Finished")
	if status, page := b.post("/jobs/"+id+"/start", url.Values{}); status != http.StatusConflict || !strings.Contains(page, "Not done") {
		t.Errorf("a second start: %d", status)
	}
	_, page = b.get("/who")
	wants(t, page, "new host key", "41 events")
}

func TestADiscardNeedsAReason(t *testing.T) {
	library := consoletest.Filled(t)
	b := open(t, library.Parts())
	_, page := b.post("/plan", url.Values{"do": {"discard"}, "from": {"unrouted"}, "source": {"github"}})
	wants(t, page, "Plan: discard 3 events", "Discard 3 for good")
	id := idOf(t, page)
	if status, page := b.post("/jobs/"+id+"/start", url.Values{"rate": {"10"}}); status != http.StatusUnprocessableEntity || !strings.Contains(page, "say why") {
		t.Errorf("a discard without a reason: %d", status)
	}
	b.post("/jobs/"+id+"/start", url.Values{"rate": {"0"}, "why": {"tests"}})
	waitFor(t, library.Jobs, id, jobs.Finished)
}

func TestAPlanThatIsWrongSaysWhy(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	status, page := b.post("/plan", url.Values{"do": {"explode"}, "from": {"dead"}})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", status)
	}
	wants(t, page, "Nothing was done", "explode")
	_, page = b.post("/plan", url.Values{"do": {"replay"}, "from": {"dead"}, "route": {"check"}})
	wants(t, page, "The plan has no event")
	if status, _ := b.get("/jobs/999"); status != http.StatusNotFound {
		t.Errorf("a job that is not there: %d", status)
	}
}

func TestUnroutedShowsARouteThatWouldTakeThem(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, page := b.get("/unrouted")
	wants(t, page, "github.workflow_run.completed", "match: [&#34;github.workflow_run.completed&#34;]", "workflow-run-completed:", "3 events were stored", "Plan discard…")
}

func TestOnlyPeopleWithTheRoleMayAct(t *testing.T) {
	cfg := consoletest.Config(t.TempDir())
	cfg.Users = map[string]console.User{"sam": {Password: "a long password of sam", Role: console.Bodies}}
	library := consoletest.Filled(t)
	b, _ := start(t, cfg, library.Parts())
	for _, path := range []string{"/plan", "/routes/archive/pause", "/routes/sandbox/resume", "/jobs/1/start", "/jobs/1/pause", "/jobs/1/resume", "/jobs/1/stop"} {
		if status, _ := b.post(path, url.Values{"why": {"x"}}); status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d", path, status)
		}
	}
	b.signIn("sam", "a long password of sam")
	for _, path := range []string{"/plan", "/routes/archive/pause", "/routes/sandbox/resume", "/jobs/1/start", "/jobs/1/pause", "/jobs/1/resume", "/jobs/1/stop"} {
		if status, page := b.post(path, url.Values{"why": {"x"}}); status != http.StatusForbidden || !strings.Contains(page, "this needs the role “act”") {
			t.Errorf("%s without the role: %d", path, status)
		}
	}
	entries, err := library.Jobs.Log(t.Context(), jobs.LogPage{Limit: 10})
	if err != nil || len(entries) > 0 {
		t.Errorf("the log has %v, %v", entries, err)
	}
	_, page := b.get("/routes")
	wants(t, page, "Pausing needs the role act; you may look and see bodies.")
}

// idOf returns the ID of the plan or job on a page.
func idOf(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `action="/jobs/`)
	if !ok {
		t.Fatalf("no job on the page:\n%.2000s", page)
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// waitFor waits until a job is in a state.
func waitFor(t *testing.T, j *jobs.Jobs, id string, state jobs.State) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var number int64
	if _, err := fmt.Sscan(id, &number); err != nil {
		t.Fatal(err)
	}
	for {
		changed := j.Changed()
		job, err := j.Get(ctx, number)
		if err != nil {
			t.Fatal(err)
		}
		if job.State == state {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("job %s is %s, not %s: %+v", id, job.State, state, job)
		}
	}
}
