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

// window is what was seen while something was measured. CPU times and allocations are those of one event.
type window struct {
	load.Result

	events    float64   // so many
	perSecond float64   // so many a second
	cpu       []float64 // of each process, in µs
	broker    float64   // in µs
	generator float64   // in µs
	objects   float64   // that the first process allocated; NaN: it does not say
	bytes     float64   // that it allocated
	quiet     float64   // ms: p99 of the answers before the load that counts
	idle      float64   // MiB of the first process before the load
	rss       float64   // MiB at its end
	peak      float64   // MiB at most
	lost      int       // accepted and not where it should be
	repeated  int       // stored or handled more than once
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

// answered measures processes while a load runs. Everything has to be answered want; only that counts.
func (p *place) answered(ctx context.Context, cfg load.Config, want int, processes ...*process) (w window, err error) {
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

// handled measures processes from the beginning of a load, all of which has to be stored, until settled returns.
func (p *place) handled(ctx context.Context, cfg load.Config, settled func(stored uint64) error, processes ...*process) (w window, err error) {
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

// between makes the differences those of one event.
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

// load runs the load generator, calls begun after its warm-up, and returns its result and its CPU time in µs since then.
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
