// Package exec runs a command for each event: the body is its standard input, and the event's names are in its environment.
//
// The command runs without a shell, in its own process group. Exit status 0 means done. 65 (EX_DATAERR of sysexits.h) gives
// the event up. 75 (EX_TEMPFAIL), every other status and death by a signal are retried. At the timeout the whole group gets
// SIGTERM, and SIGKILL 2 seconds later. Processes that remain in the group when the command ends are killed too.
// Standard output is discarded. The last 960 bytes of standard error go to the dead letter, and with log_stderr also to the
// log of each failure: use it only if the command prints no personal data.
//
// Duplicates: a command that fails half-way runs again, as does one whose worker dies before the command ends.
// On Linux the command then gets SIGTERM, but no process waits for its end or stops its children: it can overlap with the
// next attempt. HOOKLINE_ID, HOOKLINE_SOURCE and HOOKLINE_ACTION together are the same each time.
package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/tail"
)

const (
	exitGiveUp = 65
	// killAfter is the time between SIGTERM and SIGKILL.
	killAfter = 2 * time.Second
)

// Config runs a program for each event: the body on its standard input, the metadata in HOOKLINE_* variables. Exit code 0 is done, 65 gives
// up, all others retry.
type Config struct {
	// Command is the program and its arguments, as they are: no shell reads them. A program without "/" is searched for in PATH.
	Command []string `yaml:"command" schema:"required; minItems=1"`
	// User is the name or number of the user that runs the program, with that user's groups. The worker must be root for it. Default: the
	// worker's user.
	User string `yaml:"user,omitempty"`
	// Dir is the program's working folder. Default: the worker's.
	Dir string `yaml:"dir"`
	// Env is added to the program's environment. Names that begin with HOOKLINE_ are refused.
	Env map[string]string `yaml:"env"`
	// LogStderr also logs the end of a failed command's standard error, which may quote the event. Without it, the text is on the dead letter
	// only.
	LogStderr bool `yaml:"log_stderr"`
}

type command struct {
	argv []string
	user string
	dir  string
	env  []string

	logStderr bool
}

// New checks cfg. It does not look for the program: a missing program is an error of each delivery, which is retried.
// base is the environment of every run before Config.Env, as "NAME=value". The command gets no other variables of the worker.
func New(cfg Config, base []string) (handler.Handler, error) {
	var errs []error
	if len(cfg.Command) == 0 || cfg.Command[0] == "" {
		errs = append(errs, errors.New(`command: is required; a list of the program and its arguments: ["/usr/bin/program", "argument"]`))
	}
	if strings.Contains(strings.Join(cfg.Command, "")+cfg.Dir, "\x00") {
		errs = append(errs, errors.New("command, dir: must not contain NUL"))
	}
	for name, value := range cfg.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.HasPrefix(name, prefix) || strings.Contains(value, "\x00") {
			errs = append(errs, fmt.Errorf("env: %q: a name has no =, does not begin with %s and its value has no NUL", name, prefix))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	env := slices.Clone(base)
	for name, value := range cfg.Env {
		env = append(env, name+"="+value)
	}
	return &command{cfg.Command, cfg.User, cfg.Dir, env, cfg.LogStderr}, nil
}

// Handle runs the command.
func (c *command) Handle(ctx context.Context, d event.Delivery) error {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	stderr := &tail.Tail{}
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr = c.dir, environment(c.env, d), bytes.NewReader(d.Event.Data), stderr
	cmd.SysProcAttr = processAttributes()
	var err error
	if cmd.SysProcAttr.Credential, err = credential(c.user); err != nil {
		return err
	}
	cmd.Cancel = func() error { return signal(cmd.Process, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter

	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if c.user != "" && errors.Is(err, syscall.EPERM) {
			return fmt.Errorf("command cannot be started as user %s: only a worker that runs as root may do so: %w", c.user, err)
		}
		return fmt.Errorf("command cannot be started; is it installed on the worker's machine, and executable? %w", err)
	}
	err = cmd.Wait()
	_ = signal(cmd.Process, syscall.SIGKILL) // the rest of the group; the error says that the group is empty, as usual
	switch {
	case ctx.Err() != nil && err != nil:
		return c.describe(fmt.Errorf("command was stopped: %w", context.Cause(ctx)), stderr)
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // the latter: it ended well, but a child still holds its standard error
		return nil
	case cmd.ProcessState.ExitCode() == exitGiveUp:
		return handler.Permanent(c.describe(err, stderr))
	}
	return c.describe(err, stderr)
}

// signal sends sig to the process group of p.
func signal(p *os.Process, sig syscall.Signal) error {
	err := syscall.Kill(-p.Pid, sig)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func (c *command) describe(err error, stderr *tail.Tail) error {
	if text := stderr.String(); c.logStderr && text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return handler.Private(err, stderr.String())
}

const prefix = "HOOKLINE_"

func environment(base []string, d event.Delivery) []string {
	env := slices.Clone(base)
	for _, v := range [][2]string{
		{"ID", d.Event.ID}, {"SOURCE", d.Event.Source}, {"ACTION", d.Event.Action}, {"ROUTE", d.Route},
		{"ATTEMPT", strconv.Itoa(d.Attempt)}, {"TIME", d.Event.Time.UTC().Format(event.TimeFormat)}, {"CONTENT_TYPE", d.Event.ContentType},
		{"CONTENT_ENCODING", d.Event.Header["Content-Encoding"]},
	} {
		env = append(env, prefix+v[0]+"="+strings.ReplaceAll(v[1], "\x00", "")) // a variable ends at NUL
	}
	return env
}
