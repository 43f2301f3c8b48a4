package cli

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
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
