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

// restartPause is the default of systemd's RestartSec.
const restartPause = 100 * time.Millisecond

// Process is a supervised hookline. Whenever it ends, it is started again, as by systemd.
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
	stopped bool          // true: no restart
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
			_ = cmd.Wait() // the log has its result
		}
		<-time.After(restartPause)
	}
}

// spawn starts the process once. It returns nil if the process is stopped.
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
	cmd := exec.Command(p.binary, p.args...) //nolint:noctx // signals stop it
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.cmd = cmd
	return cmd, nil
}

func (p *Process) log() string { return filepath.Join(p.dir, p.Name+".log") }

// Signal sends a signal to the process, unless it is starting at the moment. A process that ends is started again.
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

// Stop ends the process with SIGTERM. It stays down until StartAgain.
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

// StartAgain starts a stopped process.
func (p *Process) StartAgain() { p.start() }

// Get returns the private listener's answer to a path.
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

// Metrics returns the process's metrics without labels, by name.
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
