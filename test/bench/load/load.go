// Package load is the load generator: a process of its own that sends signed events over persistent connections,
// and reports the answers. In a closed loop, each connection sends when it has its answer. In an
// open loop, events are due at fixed times, independent of earlier answers. The duration of an event then counts from its
// due time, so that a pause of the receiver is visible.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// The kinds of requests.
const (
	Good      = "good"
	Forged    = "forged"    // with a wrong signature
	Oversized = "oversized" // announces a body of 1 GiB, and sends its beginning
)

// Config is the configuration of a load.
type Config struct {
	Addresses   []string // HOST:PORT of each receiver; they share the connections
	Path        string   // such as /webhooks/alma
	Secret      string
	Kind        string
	Size        int // of a body, in bytes
	Connections int
	Rate        float64       // events a second; 0: a closed loop
	Count       int64         // stop after as many; 0: only time counts
	Warm        time.Duration // before the measurement
	For         time.Duration // of the measurement
	First       uint64        // the first event's number
	Accepted    string        // a file for the numbers of all events that were answered 200; empty: none
}

// Result is the result of a load. Durations are those of answers within the measured time, in ms.
type Result struct {
	Answers        map[int]int64 // by status, in the measured time; 0: none, the connection was closed
	Stored         uint64        // 200s, with those of the warm-up
	Next           uint64        // the number after the last event
	Seconds        float64       // measured
	P50, P99, P999 float64
	Max            float64
}

// Begun is the line that the process prints when the warm-up is over, before its Result.
const Begun = "begun"

// Command returns the load generator as a command of program, which calls Main.
func (c Config) Command(ctx context.Context, program string) *exec.Cmd {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return exec.CommandContext(ctx, program, "load", string(text))
}

// Main runs the load with the arguments of Command.
func Main(args []string) error {
	if len(args) != 1 {
		return flag.ErrHelp
	}
	var cfg Config
	if err := json.Unmarshal([]byte(args[0]), &cfg); err != nil {
		return err
	}
	return run(context.Background(), cfg)
}

// generator is a running load.
type generator struct {
	cfg   Config
	next  atomic.Uint64
	begun time.Time
	over  chan struct{}  // closed when the measured time is over
	due   chan time.Time // of the open loop; nil: a closed one
}

func run(ctx context.Context, cfg Config) error {
	g := &generator{cfg: cfg, over: make(chan struct{})}
	g.next.Store(cfg.First)
	workers := make([]*worker, cfg.Connections)
	for i := range workers {
		workers[i] = newWorker(g, cfg.Addresses[i%len(cfg.Addresses)])
		if err := workers[i].dial(ctx); err != nil {
			return err
		}
		defer workers[i].close()
	}
	now := time.Now()
	g.begun = now.Add(cfg.Warm)
	end := g.begun.Add(cfg.For)
	if cfg.Rate > 0 {
		g.due = make(chan time.Time)
		go g.pace(now)
	}
	if cfg.Warm > 0 {
		time.AfterFunc(cfg.Warm, func() { fmt.Println(Begun) })
	} else {
		fmt.Println(Begun)
	}
	time.AfterFunc(time.Until(end), func() { close(g.over) })
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range workers {
		group.Go(func() error { return w.run(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := g.save(workers); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(g.result(workers))
}

func (g *generator) result(workers []*worker) Result {
	r := Result{Answers: map[int]int64{}, Next: g.next.Load(), Seconds: time.Since(g.begun).Seconds()}
	var took []time.Duration
	for _, w := range workers {
		took = append(took, w.took...)
		r.Stored += w.stored
		for status, n := range w.answers {
			r.Answers[status] += n
		}
	}
	slices.Sort(took)
	r.P50, r.P99, r.P999, r.Max = Quantile(took, .5), Quantile(took, .99), Quantile(took, .999), Quantile(took, 1)
	return r
}

// Quantile returns a quantile of sorted durations, in ms; 0 if there are none.
func Quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Seconds() * 1000
}

func (g *generator) save(workers []*worker) error {
	if g.cfg.Accepted == "" {
		return nil
	}
	var text strings.Builder
	for _, w := range workers {
		for _, number := range w.accepted {
			fmt.Fprintln(&text, number)
		}
	}
	return os.WriteFile(g.cfg.Accepted, []byte(text.String()), 0o600)
}

// Failed returns an error if there was an answer other than want.
func (r Result) Failed(want int) error {
	var errs []error
	for status, n := range r.Answers {
		if status != want {
			errs = append(errs, fmt.Errorf("%d requests were answered %d", n, status))
		}
	}
	return errors.Join(errs...)
}
