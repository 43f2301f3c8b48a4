package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hookline/hookline/test/bench/load"
)

// window is what was seen while a load was measured. CPU times and allocations are of one event that was answered as it should be.
type window struct {
	load.Result

	events    float64   // so many were
	perSecond float64   // so many a second
	cpu       []float64 // of each process, in µs
	broker    float64   // in µs
	generator float64   // in µs
	objects   float64   // that the first process allocated; 0: it does not say
	bytes     float64   // that it allocated
	idle      float64   // MiB of the first process before the load
	rss       float64   // MiB at its end
	peak      float64   // MiB at most
}

// counters are sums since the start of each process.
type counters struct {
	cpu            []time.Duration
	broker         time.Duration
	generator      time.Duration
	objects, bytes float64
}

func (b *bench) read(ctx context.Context, generator int, processes []*process) (c counters, err error) {
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
	if generator != 0 {
		if c.generator, err = cpuOf(generator); err != nil {
			return c, err
		}
	}
	seen, err := processes[0].metrics(ctx)
	c.objects, c.bytes = seen["go_memstats_mallocs_total"], seen["go_memstats_alloc_bytes_total"]
	return c, err
}

// measure runs a load, and looks at what processes and broker use meanwhile. Everything has to be answered want.
func (p *place) measure(ctx context.Context, cfg load.Config, want int, processes ...*process) (w window, err error) {
	if w.idle, _, err = memoryOf(processes[0].pid()); err != nil {
		return w, err
	}
	program, err := os.Executable()
	if err != nil {
		return w, err
	}
	cmd := cfg.Command(ctx, program)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return w, err
	}
	if err := cmd.Start(); err != nil {
		return w, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || line != load.Begun+"\n" {
		return w, fmt.Errorf("the load does not begin: %q %w", line, err)
	}
	before, err := p.read(ctx, cmd.Process.Pid, processes)
	if err != nil {
		return w, err
	}
	line, err := said.ReadBytes('\n')
	if err != nil {
		return w, fmt.Errorf("the load ended early: %w", err)
	}
	after, err := p.read(ctx, 0, processes)
	if err != nil {
		return w, err
	}
	if w.rss, w.peak, err = memoryOf(processes[0].pid()); err != nil {
		return w, err
	}
	if err := cmd.Wait(); err != nil {
		return w, err
	}
	after.generator = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := json.Unmarshal(line, &w.Result); err != nil {
		return w, err
	}
	w.divide(want, before, after)
	return w, w.Failed(want)
}

// divide makes the differences those of one event.
func (w *window) divide(want int, before, after counters) {
	w.events = float64(w.Answers[want])
	w.perSecond = w.events / w.Seconds
	each := func(before, after time.Duration) float64 { return float64((after - before).Microseconds()) / w.events }
	for i := range before.cpu {
		w.cpu = append(w.cpu, each(before.cpu[i], after.cpu[i]))
	}
	w.broker, w.generator = each(before.broker, after.broker), each(before.generator, after.generator)
	w.objects, w.bytes = (after.objects-before.objects)/w.events, (after.bytes-before.bytes)/w.events
}
