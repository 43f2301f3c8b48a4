package test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// terminal is a command that runs in a terminal.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	screen *os.File
	shown  bytes.Buffer
}

// terminal starts a command in a terminal with this many columns.
func (f folder) terminal(t *testing.T, columns uint16, args ...string) *terminal {
	t.Helper()
	cmd := f.command(t, args...)
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return &terminal{t: t, cmd: cmd, screen: screen}
}

// await reads until the screen has shown the text.
func (s *terminal) await(text string) {
	s.t.Helper()
	for part := make([]byte, 4096); !strings.Contains(s.shown.String(), text); {
		n, err := s.screen.Read(part)
		s.shown.Write(part[:n])
		if err != nil {
			s.t.Fatalf("the screen did not show %q: %s", text, s.shown.String())
		}
	}
}

// write types the text.
func (s *terminal) write(text string) {
	s.t.Helper()
	if _, err := s.screen.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the end of the command, and returns its exit code and everything that the screen has shown.
func (s *terminal) end() (code int, shown string) {
	_, _ = io.Copy(&s.shown, s.screen) // Linux ends it with an error
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode(), strings.ReplaceAll(s.shown.String(), "\r\n", "\n")
}

func TestDiscardAllAsks(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", auditConfig)
	p := f.start(t, "run")
	for range 2 {
		if sent := f.run(t, "send", "alma", "loan.loan_created", "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
		p.log(t, "delivery dead")
	}
	if refused := f.run(t, "dead", "discard", "loans", "--all"); refused.code != 2 || !strings.Contains(refused.stderr, "--yes") {
		t.Errorf("without a terminal: %+v", refused)
	}
	for _, answer := range []string{"\n", "no\n", "\x04"} { // Ctrl-D
		s := f.terminal(t, 80, "dead", "discard", "loans", "--all")
		s.await("Remove them? [y/N] ")
		s.write(answer)
		if code, shown := s.end(); code != 1 || !strings.Contains(shown, "all 2 dead letters of route loans") || !strings.Contains(shown, "alma.loan.loan_created") || !strings.Contains(shown, "nothing was changed") {
			t.Errorf("answer %q: exit code %d: %s", answer, code, shown)
		}
	}
	s := f.terminal(t, 80, "dead", "discard", "loans", "--all")
	s.await("[y/N] ")
	s.write("\x03") // Ctrl-C
	if code, shown := s.end(); code != 130 || !strings.Contains(shown, "interrupted: nothing was changed") {
		t.Errorf("interrupted: exit code %d: %s", code, shown)
	}
	s = f.terminal(t, 80, "dead", "discard", "loans", "--all")
	s.await("[y/N] ")
	s.write("y\n")
	if code, shown := s.end(); code != 0 || !strings.Contains(shown, "discarded 2") {
		t.Errorf("answer y: exit code %d: %s", code, shown)
	}
	if code, shown := f.terminal(t, 80, "unrouted", "discard", "--all").end(); code != 0 || !strings.Contains(shown, "discarded 0") {
		t.Errorf("of none: exit code %d: %s", code, shown)
	}
}
