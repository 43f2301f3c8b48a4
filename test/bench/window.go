package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/hookline/hookline/test/bench/load"
)

// window holds the figures of one measurement. CPU times and allocations are those of one event.
type window struct {
	load.Result

	events    float64   // number
	perSecond float64   // number a second
	cpu       []float64 // of each process, in µs
	broker    float64   // in µs
	generator float64   // in µs
	objects   float64   // allocated by the first process; NaN: unknown
	bytes     float64   // allocated by the first process
	quiet     float64   // ms: p99 of the answers before the counted load
	idle      float64   // MiB of the first process before the load
	rss       float64   // MiB at its end
	peak      float64   // MiB at most
	lost      int       // accepted, but not stored or handled
	repeated  int       // stored or handled more than once
	dropped   float64   // records that the journal lacks
}

// counters are sums since the start of each process.
type counters struct {
	at             time.Time
	cpu            []time.Duration
	broker         time.Duration
	objects, bytes float64
}

func (b *bench) count(ctx context.Context, processes []*process) (c counters, err error) {
	for _, p := range processes {
		spent, err := cpuOf(p.pid())
		if err != nil {
			return c, err
		}
		c.cpu = append(c.cpu, spent)
	}
	if c.broker, err = cpuOf(b.about.PID); err != nil {
		return c, err
	}
	c.at = time.Now()
	seen, err := processes[0].metrics(ctx)
	c.objects, c.bytes = seen["go_memstats_mallocs_total"], seen["go_memstats_alloc_bytes_total"]
	return c, err
}

// answered measures processes during a load. All answers have to be want; only those count.
func (p *sandbox) answered(ctx context.Context, cfg load.Config, want int, processes ...*process) (w window, err error) {
	if w.idle, _, err = memoryOf(processes[0].pid()); err != nil {
		return w, err
	}
	var before counters
	w.Result, w.generator, err = p.load(ctx, cfg, func() error {
		before, err = p.count(ctx, processes)
		return err
	})
	if err != nil {
		return w, err
	}
	after, err := p.count(ctx, processes)
	if err != nil {
		return w, err
	}
	w.between(float64(w.Answers[want]), before, after)
	w.perSecond = w.events / w.Seconds
	w.generator /= w.events
	if w.rss, w.peak, err = memoryOf(processes[0].pid()); err != nil {
		return w, err
	}
	return w, w.Failed(want)
}

// handled measures processes from the beginning of a load until settled returns. All events have to be stored.
func (p *sandbox) handled(ctx context.Context, cfg load.Config, settled func(stored uint64) error, processes ...*process) (w window, err error) {
	before, err := p.count(ctx, processes)
	if err != nil {
		return w, err
	}
	if w.Result, w.generator, err = p.load(ctx, cfg, func() error { return nil }); err != nil {
		return w, err
	}
	if err := w.Failed(http.StatusOK); err != nil {
		return w, err
	}
	if err := settled(w.Stored); err != nil {
		return w, err
	}
	after, err := p.count(ctx, processes)
	if err != nil {
		return w, err
	}
	w.between(float64(w.Stored), before, after)
	w.generator /= w.events
	w.rss, w.peak, err = memoryOf(processes[0].pid())
	return w, err
}

// between sets the figures of one event from the differences.
func (w *window) between(events float64, before, after counters) {
	w.events, w.perSecond = events, events/after.at.Sub(before.at).Seconds()
	each := func(before, after time.Duration) float64 { return float64((after - before).Microseconds()) / events }
	for i := range before.cpu {
		w.cpu = append(w.cpu, each(before.cpu[i], after.cpu[i]))
	}
	w.broker = each(before.broker, after.broker)
	w.objects, w.bytes = (after.objects-before.objects)/events, (after.bytes-before.bytes)/events
	if after.objects == 0 { // a floor has no metrics
		w.objects, w.bytes = math.NaN(), math.NaN()
	}
}

// load runs the load generator and calls begun after its warm-up. It returns the result and the generator's CPU time in µs since then.
func (b *bench) load(ctx context.Context, cfg load.Config, begun func() error) (result load.Result, cpu float64, err error) {
	program, err := os.Executable()
	if err != nil {
		return result, 0, err
	}
	cmd := cfg.Command(ctx, program)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return result, 0, err
	}
	if err := cmd.Start(); err != nil {
		return result, 0, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || line != load.Begun+"\n" {
		return result, 0, fmt.Errorf("the load does not begin: %q %w", line, err)
	}
	before, err := cpuOf(cmd.Process.Pid)
	if err == nil {
		err = begun()
	}
	if err != nil {
		return result, 0, err
	}
	line, err := said.ReadBytes('\n')
	if err != nil {
		return result, 0, fmt.Errorf("the load ended early: %w", err)
	}
	if err := json.Unmarshal(line, &result); err != nil {
		return result, 0, err
	}
	if err := cmd.Wait(); err != nil {
		return result, 0, err
	}
	spent := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() - before
	return result, float64(spent.Microseconds()), nil
}
