package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func TestProseIsFoldedBetweenWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"Every stored event is accounted for.", "Every stored event\nis accounted for."},
		{"- 130: it was interrupted by a signal", "- 130: it was\n  interrupted by a\n  signal"},
		{"  --url  the address of it", "  --url  the address\n         of it"},
		{"  äääää  the address of it", "  äääää  the address\n         of it"},
		{"hookline.work.archive-of-all", "hookline.work.\narchive-of-all"},
		{strings.Repeat("a", 45), strings.Repeat("a", 20) + "\n" + strings.Repeat("a", 20) + "\naaaaa"},
		{"short\n\nlines", "short\n\nlines"},
	} {
		if got := fold(c.text, 20); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
		if got := fold(c.text, 0); got != c.text {
			t.Errorf("in a pipe: %q, want %q", got, c.text)
		}
	}
}

// The examples fit by themselves, because a person copies them.
func TestEveryHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	eachCommand(Program{}.Command(), func(cmd *cobra.Command) {
		var out bytes.Buffer
		cmd.SetOut(&out)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{60, 80} {
			expectWidth(t, cmd.CommandPath(), fold(joinParagraphs(out.String()), width), width)
		}
		if help, whole := strings.Fields(joinParagraphs(out.String())), strings.Fields(out.String()); strings.Join(help, " ") != strings.Join(whole, " ") {
			t.Errorf("%s: words are lost: %s", cmd.CommandPath(), help)
		}
		if cmd.CommandPath() != "hookline completion" && !strings.HasPrefix(cmd.CommandPath(), "hookline completion ") {
			expectWidth(t, cmd.CommandPath(), cmd.Example, 80)
		}
	})
}

func eachCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, below := range cmd.Commands() {
		eachCommand(below, do)
	}
}

// expectWidth reports lines that are wider than width.
func expectWidth(t *testing.T, name, shown string, width int) {
	t.Helper()
	for line := range strings.Lines(shown) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
			t.Errorf("%s: a line of %d on %d columns: %s", name, n, width, line)
		}
	}
}
