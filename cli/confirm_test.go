package cli

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func TestOnlyYesIsAYes(t *testing.T) {
	t.Parallel()
	for answer, yes := range map[string]bool{"y\n": true, " YES \n": true, "yes": true, "\n": false, "": false, "no\n": false, "yesterday\n": false} {
		in, typed, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := typed.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		_ = typed.Close()
		var out strings.Builder
		err = (&confirmation{stdin: in, out: &out}).ask(t.Context(), "Remove them?")
		if (err == nil) != yes || out.String() != "Remove them? [y/N] " || !yes && err.Error() != "nothing was changed" {
			t.Errorf("%q: %v; it asked %q", answer, err, out.String())
		}
		_ = in.Close()
	}
}

func TestTheFlagYesAnswersTheQuestion(t *testing.T) {
	t.Parallel()
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), typed.Close() })
	var out strings.Builder
	ask := &confirmation{yes: true, stdin: in, out: &out}
	if err := ask.check(); err != nil {
		t.Error(err)
	}
	if err := ask.ask(t.Context(), "Remove them?"); err != nil || out.Len() > 0 {
		t.Errorf("%v; it asked %q", err, out.String())
	}
	if err := (&confirmation{stdin: in}).check(); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("without a terminal: %v", err)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := (&confirmation{stdin: in, out: &out}).ask(interrupted, "Remove them?"); err == nil || out.String() != "Remove them? [y/N] \n" {
		t.Errorf("interrupted: %v; it wrote %q", err, out.String())
	}
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = screen.Close(), terminal.Close() })
	if err := (&confirmation{stdin: terminal}).check(); err != nil {
		t.Errorf("on a terminal: %v", err)
	}
}

// oneLetter is a broker with one dead letter of an event.
type oneLetter struct {
	app.Operator
	event event.Event
}

func (o oneLetter) Queues(context.Context) ([]broker.QueueInfo, error) {
	return []broker.QueueInfo{{Route: "failing", Role: broker.RoleWork, Waiting: 7}, {Route: "failing", Role: broker.RoleDead, Waiting: 1}}, nil
}

func (o oneLetter) List(context.Context, string, broker.Page) ([]broker.UndeliveredEvent, string, error) {
	return []broker.UndeliveredEvent{{Event: o.event}}, "", nil
}

func TestTheQuestionShowsTheOldestEventsAtMostEightyCharactersLong(t *testing.T) {
	t.Parallel()
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	_ = typed.Close() // no answer
	var out strings.Builder
	operator := oneLetter{event: event.Event{ID: strings.Repeat("i", 81), Source: "alma", Action: strings.Repeat("a", 76)}}
	err = (&confirmation{stdin: in, out: &out}).discardAll(t.Context(), operator, "failing", "dead letters of route failing")
	want := "This removes all 1 dead letters of route failing for good. The oldest:\n" +
		"  " + strings.Repeat("i", 79) + "…  alma." + strings.Repeat("a", 74) + "…  received "
	if err == nil || !strings.HasPrefix(out.String(), want) || !strings.HasSuffix(out.String(), "Remove them? [y/N] ") {
		t.Errorf("%v; it asked %q", err, out.String())
	}
}
