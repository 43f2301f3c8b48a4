package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/pkg/event"
)

// says checks the exit code of a command, and that it says each text.
func says(t *testing.T, code, want int, said string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if code != want || !strings.Contains(said, text) {
			t.Errorf("exit code %d, want %d with %q:\n%s", code, want, text, said)
		}
	}
}

// TestReplayIsAPlanAndThenAJob replays dead letters, looks at the plan first, and at the job afterwards.
func TestReplayIsAPlanAndThenAJob(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	c.die(recorded("one", "{}"), recorded(hostile, "{}"), recorded("three", "{}"))

	code, out, errs := c.run("replay", "--route", "exports", "--plan")
	says(t, code, ExitOK, out+errs, "Plan 1: 3 events of dead letters of exports", "- route exports: 3 events", `\u001b]0;owned\u0007\u009b31m\u202eevil`)
	code, out, errs = c.run("jobs", "list")
	says(t, code, ExitOK, out+errs, "hookline replay")

	code, out, errs = c.run("replay", "one", hostile, "--why", "the server is repaired", "--yes")
	says(t, code, ExitOK, out+errs, "2 events", "Job 2 has begun.", "finished: 2 of 2 done, 0 failed again")
	code, out, errs = c.run("replay", "--all", "--yes", "--json")
	var j jobs.Job
	if err := json.Unmarshal([]byte(out), &j); code != ExitOK || err != nil || j.Counts.Done != 1 || j.State != jobs.Finished {
		t.Errorf("%d, %v: %s%s", code, err, out, errs)
	}
	code, out, errs = c.run("replay", "--all", "--yes")
	says(t, code, ExitOK, out+errs, "0 events")
	code, out, errs = c.run("jobs", "show", "2")
	says(t, code, ExitOK, out+errs, "Why: the server is repaired", "finished: 2 of 2 done")
	code, out, errs = c.run("jobs", "list")
	says(t, code, ExitOK, out+errs, "finished", "replay")
}

// TestAJobIsPausedResumedAndStopped lets a slow job begin, and leaves it.
func TestAJobIsPausedResumedAndStopped(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	c.die(recorded("one", "{}"), recorded("two", "{}"), recorded("three", "{}"))
	code, out, errs := c.run("replay", "--all", "--yes", "--rate", "0.001", "--detach")
	says(t, code, ExitOK, out+errs, "Job 1 has begun.")
	code, out, errs = c.run("jobs", "pause", "1")
	says(t, code, ExitOK, out+errs, "Job 1 is paused")
	code, out, errs = c.run("jobs", "show", "1", "--follow")
	says(t, code, ExitFailed, out+errs, "paused by", "hookline jobs show 1")
	code, out, errs = c.run("jobs", "resume", "1")
	says(t, code, ExitOK, out+errs, "Job 1 is running")
	code, out, errs = c.run("jobs", "stop", "1", "--json")
	says(t, code, ExitOK, out+errs, `"state": "stopped"`)
	code, out, errs = c.run("jobs", "resume", "1")
	says(t, code, ExitFailed, out+errs, "Nothing was done", "stopped already")
	for _, args := range [][]string{{"jobs", "show", "x"}, {"replay"}, {"replay", "one", "--all"}, {"replay", "--all"}, {"replay", "--all", "--rate", "-1", "--yes"}} {
		if code, out, errs := c.run(args...); code != ExitUsage {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
	code, out, errs = c.run("replay", "--all", "--from", "nowhere", "--yes")
	says(t, code, ExitFailed, out+errs, "Nothing was done", `"nowhere"`)
	code, out, errs = c.run("jobs", "show", "99")
	says(t, code, ExitFailed, out+errs, "No such plan or job")
}

func TestALeftJobGoesOn(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	c.die(recorded("one", "{}"), recorded("two", "{}"))
	out, stop, ended := c.begin("replay", "--all", "--yes", "--rate", "0.001")
	out.await(t, "running")
	stop()
	if code := <-ended; code != ExitInterrupted {
		t.Errorf("exit code %d", code)
	}
	says(t, 0, 0, out.String(), fmt.Sprintf("job %d goes on", 1), "hookline jobs stop 1")
	code, said, _ := c.run("jobs", "list")
	says(t, code, ExitOK, said, "running")
}

// TestFailuresAreGrouped asks the console for groups of failures.
func TestFailuresAreGrouped(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	one, two := recorded("one", "{}"), recorded("two", "{}")
	c.record([]event.Event{one, two}, gaveUp(one), gaveUp(two))
	code, out, errs := c.run("dead", "groups")
	says(t, code, ExitOK, out+errs, "exports", "permanent", `answered \u001b[`)
	_, out, _ = c.run("dead", "groups", "exports", "--json")
	var groups []api.Group
	if err := json.Unmarshal([]byte(out), &groups); err != nil || len(groups) != 1 || groups[0].Dead != 2 {
		t.Errorf("%v %s", err, out)
	}
	code, out, errs = c.run("dead", "groups", "other")
	says(t, code, ExitOK, out+errs, "no failures")
}
