package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/pkg/event"
)

// hostile is an ID that would change the title of a terminal, its colours and the direction of its text.
const hostile = "\x1b]0;owned\x07\u009b31m\u202eevil"

func TestEventsAreListedAndShown(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	e, other := recorded("one", `{"mms_id":9007199254740993123}`), recorded(hostile, "\xff")
	c.record([]event.Event{e, other, recorded("3", "{}")}, gaveUp(e))

	code, out, errs := c.run("events", "list")
	for _, want := range []string{"RECEIVED", "dead", "exports dead", `\u001b]0;owned\u0007\u009b31m\u202eevil`} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("no %q: %d %s%s", want, code, out, errs)
		}
	}
	_, out, _ = c.run("events", "list", "--state", "dead", "--json")
	var listed []api.Event
	if err := json.Unmarshal([]byte(out), &listed); err != nil || len(listed) != 1 || listed[0].ID != "one" {
		t.Errorf("%v %s", err, out)
	}
	if _, out, _ = c.run("events", "list", "--search", "nothing"); !strings.Contains(out, "no such events") {
		t.Error(out)
	}
	for _, id := range []string{"one", "1"} { // an ID, and a number
		code, out, errs = c.run("events", "show", id)
		for _, want := range []string{"trace-one", "9007199254740993123", `answered \u001b[31m403`, "1.5ms|2ms"} {
			if first, second, _ := strings.Cut(want, "|"); code != 0 || !strings.Contains(out, first) && (second == "" || !strings.Contains(out, second)) {
				t.Errorf("show %s: no %q: %d %s%s", id, want, code, out, errs)
			}
		}
	}
	if _, out, _ = c.run("events", "show", "3"); !strings.Contains(out, "trace-3") {
		t.Errorf("an ID that is a number: %s", out)
	}
	if _, out, _ = c.run("events", "show", "2", "--body"); out != "\xff" {
		t.Errorf("%q", out)
	}
	if code, _, errs = c.run("events", "show", "none"); code != ExitFailed || !strings.Contains(errs, "hookline events list") {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs = c.run("events", "list", "--state", "lost"); code != ExitFailed || !strings.Contains(errs, "waiting") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestAnIDOfSeveralEventsIsNoChoice(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	again := recorded("one", "{}")
	again.Action = "other"
	c.record([]event.Event{recorded("one", "{}"), again})
	if code, _, errs := c.run("events", "show", "one"); code != ExitUsage || !strings.Contains(errs, "2 events have the ID one") || !strings.Contains(errs, "alma.other") {
		t.Errorf("%d %s", code, errs)
	}
	if code, out, errs := c.run("events", "show", "one", "--action", "other"); code != 0 || !strings.Contains(out, "other") {
		t.Errorf("%d %s", code, errs)
	}
}

// TestTailMissesNothing ends the connection while events come.
func TestTailMissesNothing(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	c.record([]event.Event{recorded("old", "{}"), recorded("last", "{}")})
	out, errs := newOutput(), newOutput()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- Program{}.Run(ctx, append([]string{"tail", "-n", "1"}, c.flags...), out, errs)
	}()
	out.await(t, "last")
	c.record([]event.Event{recorded(hostile, "{}")})
	if line := out.await(t, "evil"); !strings.Contains(line, `\u001b]0;owned\u0007\u009b31m\u202eevil`) || !strings.HasPrefix(line, "waiting") {
		t.Errorf("%q", line)
	}
	c.away.Store(true)
	c.server.CloseClientConnections()
	errs.await(t, "trying again")
	c.record([]event.Event{recorded("meanwhile", "{}")})
	c.away.Store(false)
	out.await(t, "meanwhile")
	stop()
	if code := <-ended; code != ExitOK || strings.Contains(out.String(), "old") || strings.Count(out.String(), "last") != 1 {
		t.Errorf("%d %s", code, out)
	}
}

func TestTailIsLinesOfJSON(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	out := newOutput()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	c.record([]event.Event{recorded("one", "{}")})
	go func() {
		ended <- Program{}.Run(ctx, append([]string{"tail", "-n", "5", "--json"}, c.flags...), out, out)
	}()
	var e api.Event
	if err := json.Unmarshal([]byte(out.await(t, "one")), &e); err != nil || e.ID != "one" {
		t.Errorf("%v %s", err, out)
	}
	stop()
	<-ended
}

func TestWithoutAConsoleCommandsNameTheNextStep(t *testing.T) {
	t.Parallel()
	c := startConsole(t)
	c.server.Close()
	for _, args := range [][]string{{"events", "list"}, {"events", "show", "1"}, {"tail"}} {
		if code, _, errs := c.run(args...); code != ExitFailed || !strings.Contains(errs, "hookline run") || !strings.Contains(errs, "--console") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
	c.flags = append(c.flags, "--console", "localhost")
	if code, _, errs := c.run("events", "list"); code != ExitUsage || !strings.Contains(errs, "http://127.0.0.1:8090") {
		t.Errorf("%d %s", code, errs)
	}
}
