package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/tail"
)

// program is a running program that changes a stream.
type program struct {
	out  *io.PipeReader
	done chan error
}

// programError says that a program exited with a status other than 0: it refused its input.
type programError struct{ err error }

func (e *programError) Error() string { return e.err.Error() }
func (e *programError) Unwrap() error { return e.err }

// startProgram starts a program, without a shell, with in as its standard input. A reader of out gets its error
// too.
func startProgram(ctx context.Context, argv, env []string, in io.Reader) *program {
	stderr := &tail.Tail{}
	out, stdout := io.Pipe()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = env, in, stdout, stderr, 2*time.Second
	r := &program{out, make(chan error, 1)}
	go func() {
		err := cmd.Run()
		var exit *exec.ExitError
		switch {
		case err != nil && ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.As(err, &exit) && exit.Exited():
			err = &programError{handler.Private(fmt.Errorf("%s: %w", argv[0], err), stderr.String())}
		case err != nil:
			err = handler.Private(fmt.Errorf("%s: %w", argv[0], err), stderr.String())
		default:
			_, err = io.Copy(io.Discard, in) // the rest of the input, which the program ignored
		}
		r.done <- err                  // first, because end expects it when out has ended
		_ = stdout.CloseWithError(err) // never fails
	}()
	return r
}

// end waits for the program, and returns the first error: the program's own, or put, the error of its output. A program
// also fails if its output is no longer read, which says nothing about its input.
func (r *program) end(put error) error {
	select {
	case err := <-r.done:
		return cmp.Or(err, put)
	default:
		_ = r.out.CloseWithError(put) // never fails
		return cmp.Or(put, <-r.done)
	}
}
