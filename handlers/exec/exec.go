// Package exec runs a command for each event: the body on its standard input, what the event is in its environment.
//
// The command is run without a shell, in its own process group. Exit status 0 is done, 65 (EX_DATAERR of sysexits.h) gives
// the event up; 75 (EX_TEMPFAIL) and every other status, and a death by signal, are tried again. When its time is over
// the whole group gets SIGTERM, and SIGKILL 2 seconds later; what a command leaves running in its group when it ends is killed too.
// Standard output is thrown away; the last 960 bytes of standard error are on a dead letter, and with log_stderr in the
// log of each failure as well: then the command should print no personal data.
//
// What can happen twice: everything that the command does, if it fails half-way, or if the worker dies before the command ended.
// Linux tells the command itself so with SIGTERM, but nobody sees to its end, nor to what it has started: it may go on beside the
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
	// killAfter is how long a command has between SIGTERM and SIGKILL.
	killAfter = 2 * time.Second
)

// Config says what is run.
type Config struct {
	// Command is the program and its arguments, as they are: no shell reads them. A program without "/" is looked for
	// in PATH. Required.
	Command []string `yaml:"command"`
	// Dir is the folder that it runs in; default is that of the worker.
	Dir string `yaml:"dir"`
	// Env is added to its environment. Names that begin with HOOKLINE_ are refused.
	Env map[string]string `yaml:"env"`
	// LogStderr puts the end of what a failed command has written to standard error into the log too. Default false: it may quote the event.
	LogStderr bool `yaml:"log_stderr"`
}

type command struct {
	argv []string
	dir  string
	env  []string

	logStderr bool
}

// New checks cfg. It does not look for the program: one that is missing is an error of each delivery, which is tried again.
// Base is what every run finds in its environment before Config.Env, as "NAME=value"; nothing else of the worker's is given on.
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
	return &command{cfg.Command, cfg.Dir, env, cfg.LogStderr}, nil
}

// Handle runs the command.
func (c *command) Handle(ctx context.Context, d event.Delivery) error {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	stderr := &tail.Tail{}
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr = c.dir, environment(c.env, d), bytes.NewReader(d.Event.Data), stderr
	cmd.SysProcAttr = processAttributes()
	cmd.Cancel = func() error { return signal(cmd.Process, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter

	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("command cannot be started; is it installed and executable where the worker runs? %w", err)
	}
	err := cmd.Wait()
	_ = signal(cmd.Process, syscall.SIGKILL) // what is left of the group; usually nothing, which is the error
	switch {
	case ctx.Err() != nil && err != nil:
		return c.describe(fmt.Errorf("command was stopped: %w", context.Cause(ctx)), stderr)
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // the latter: it ended well, but left something with its standard error
		return nil
	case cmd.ProcessState.ExitCode() == exitGiveUp:
		return handler.Permanent(c.describe(err, stderr))
	}
	return c.describe(err, stderr)
}

// signal sends sig to the whole group that p leads.
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
	} {
		env = append(env, prefix+v[0]+"="+strings.ReplaceAll(v[1], "\x00", "")) // NUL ends a variable: none can be in one
	}
	return env
}
