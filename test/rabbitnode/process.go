package rabbitnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// process is a shell script in a process group of its own. It ends with this process, because it reads from a pipe whose
// only writer is this process.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed when cmd has ended
}

func (p *process) start(env []string, output, script string, args ...string) error {
	out, err := os.OpenFile(output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command("sh", append([]string{"-c", script}, args...)...) //nolint:noctx // it outlives every context
	all := struct{ io.Writer }{out}                                       // no *os.File, so that Wait waits for all processes of the group
	cmd.Env, cmd.Stdout, cmd.Stderr = env, all, all
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("rabbitnode: %w", errors.Join(err, out.Close()))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer out.Close()
		_ = cmd.Wait() // it always ends by a signal of its own
	}()
	p.cmd, p.stdin, p.done = cmd, stdin, done
	return nil
}

func (p *process) ended() <-chan struct{} { return p.done }

func (p *process) stop(ctx context.Context) error {
	if _, err := io.WriteString(p.stdin, "stop\n"); err != nil {
		return fmt.Errorf("rabbitnode: the node does not run: %w", err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("rabbitnode: the node does not stop: %w", ctx.Err())
	}
}

func (p *process) kill() error {
	if p.cmd == nil {
		return nil
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("rabbitnode: kill: %w", err)
	}
	<-p.done
	return nil
}
