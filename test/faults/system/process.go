package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// restartPause is systemd's RestartSec by default.
const restartPause = 100 * time.Millisecond

// Process is a hookline that is started again whenever it ends, as systemd would.
type Process struct {
	Name    string
	Listen  string // where a receiver takes webhooks
	private string
	binary  string
	args    []string
	env     []string
	dir     string

	mu      sync.Mutex
	cmd     *exec.Cmd
	stopped bool          // it shall stay down
	ended   chan struct{} // closed when the supervision has ended
}

// start begins the supervision.
func (p *Process) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped, p.ended = false, make(chan struct{})
	go p.supervise(p.ended)
}

func (p *Process) supervise(ended chan<- struct{}) {
	defer close(ended)
	for {
		cmd, err := p.spawn()
		if err == nil && cmd == nil {
			return
		}
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		<-time.After(restartPause)
	}
}

// spawn starts the process once, or returns nil if it shall stay down.
func (p *Process) spawn() (*exec.Cmd, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, nil
	}
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(p.binary, p.args...) //nolint:noctx // it is stopped by signals
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.cmd = cmd
	return cmd, nil
}

func (p *Process) log() string { return filepath.Join(p.dir, p.Name+".log") }

// Signal sends a signal to the process, unless it is just being started again; what it ends is started again.
func (p *Process) Signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return fmt.Errorf("%s was never started", p.Name)
	}
	if err := p.cmd.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Stop ends the process with SIGTERM, and it stays down until StartAgain.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopped = true
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		return fmt.Errorf("%s does not stop: %w", p.Name, ctx.Err())
	}
}

// StartAgain starts a process that was stopped.
func (p *Process) StartAgain() { p.start() }

// Get returns what the private listener answers to path.
func (p *Process) Get(ctx context.Context, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.private+path, nil)
	if err != nil {
		return "", err
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s answers %s: %s", p.Name, path, answer.Status, text)
	}
	return string(text), err
}

// Metrics are the process's metrics without labels, by name.
func (p *Process) Metrics(ctx context.Context) (map[string]float64, error) {
	text, err := p.Get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = number
		}
	}
	return out, nil
}
