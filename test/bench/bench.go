package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

const secret = "first-test-secret"

// bench is shared by all measurements.
type bench struct {
	dir     string // programs and places
	broker  *rabbitnode.Broker
	about   rabbitnode.About
	rounds  int
	backlog int64 // length of the queue that is emptied under load
	quick   bool
	warm    time.Duration
	long    time.Duration // of a measurement
	node    *rabbitnode.Node
	log     io.Writer
}

// open builds the programs and starts a RabbitMQ, unless the environment names one. The caller must call close.
func open(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{log: os.Stderr, rounds: cmp.Or(o.rounds, 5), backlog: o.backlog, quick: o.quick, warm: time.Second, long: 3 * time.Second}
	if o.quick {
		b.rounds, b.backlog, b.warm, b.long = cmp.Or(o.rounds, 2), o.backlog/10, 500*time.Millisecond, 1500*time.Millisecond
	}
	if b.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for name, pkg := range map[string]string{"floor": "test/floor", "hookline": "test/bench/custom", "embedded": "test/bench/embedded", "journal": "test/bench/journal"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.program(name), "github.com/hookline/hookline/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return b, fmt.Errorf("%w: %s", err, out)
		}
	}
	if b.broker, err = b.findBroker(ctx); err != nil {
		return b, err
	}
	err = eventually(ctx, 100*time.Millisecond, func(ctx context.Context) error { // a new node does not report everything at once
		if b.about, err = b.broker.About(ctx); err == nil && b.about.PID == 0 {
			err = errors.New("RabbitMQ does not report its process ID")
		}
		return err
	})
	return b, err
}

func (b *bench) findBroker(ctx context.Context) (*rabbitnode.Broker, error) {
	named := &rabbitnode.Broker{URL: os.Getenv(rabbitnode.EnvAMQP), API: os.Getenv(rabbitnode.EnvAPI)}
	if named.URL != "" && named.API != "" {
		return named, nil
	}
	dir := filepath.Join(b.dir, "rabbitmq")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	node, err := rabbitnode.Run(ctx, rabbitnode.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	b.node = node
	return node.Broker(), nil
}

func (b *bench) program(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) close() {
	if b.node != nil {
		if err := b.node.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// progress prints a line for the person who waits.
func (b *bench) progress(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }
