package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a measured process.
type process struct {
	cmd     *exec.Cmd
	listen  string // address for webhooks
	private string // address of its metrics; empty: it has none
	log     string // a file
	started time.Duration
	ended   chan struct{} // closed when it has ended
}

// errEnded says that a process ended too early.
var errEnded = errors.New("the process has ended: see its log")

// start starts a process in the folder of the sandbox; its output goes to NAME.log there. It ends with the sandbox.
func (p *sandbox) start(name, program string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(p.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program, args...) //nolint:noctx // it ends with the sandbox
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append(os.Environ(), "HOME="+p.dir)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	one := &process{cmd: cmd, log: log.Name(), ended: make(chan struct{})}
	go func() {
		defer close(one.ended)
		_ = cmd.Wait() // the log has its result
	}()
	p.processes = append(p.processes, one)
	return one, nil
}

// freeAddress returns a free address of the loopback interface.
func freeAddress(ctx context.Context) (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end asks the process to stop and waits for it.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	<-p.ended
}

// takesConnections returns nil when the process listens.
func (p *process) takesConnections(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.listen)
	if err != nil {
		return err
	}
	return conn.Close()
}

// ready returns nil when the process is connected to its broker. /readyz says less: with a spool, a receiver is ready
// without a broker.
func (p *process) ready(ctx context.Context) error {
	select {
	case <-p.ended:
		return errEnded
	default:
	}
	seen, err := p.metrics(ctx)
	if err != nil {
		return err
	}
	for _, connection := range []string{"publish", "consume", "store"} {
		if connected, known := seen[`hookline_broker_connected{connection="`+connection+`"}`]; known && connected == 0 {
			return errors.New(connection + " is not connected")
		}
	}
	return nil
}

// metrics returns the process's metrics by name with labels; none if it has no private listener.
func (p *process) metrics(ctx context.Context) (map[string]float64, error) {
	if p.private == "" {
		return nil, nil
	}
	answer, err := get(ctx, "http://"+p.private+"/metrics")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	seen := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if number, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			seen[lines.Text()[:at]] = number
		}
	}
	return seen, nil
}

func get(ctx context.Context, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Close = true
	return http.DefaultClient.Do(r)
}

// patience limits every wait for readiness.
const patience = 30 * time.Second

// eventually calls check every pause until it returns nil.
func eventually(ctx context.Context, pause time.Duration, check func(context.Context) error) error {
	return within(ctx, patience, pause, check)
}

// within is eventually with another limit.
func within(ctx context.Context, patience, pause time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("not in time: %w", err)
		}
	}
}
