package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
)

// tenWorkers measures how ten workers share a queue, and the idle usage of them and a receiver.
func tenWorkers(ctx context.Context, b *bench, r *report) (err error) {
	p, err := b.newSandbox(ctx)
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	receiver, err := p.hookline(ctx, "receiver", working+doNothing, "receiver")
	if err != nil {
		return err
	}
	processes := []*process{receiver}
	for n := range 10 {
		worker, err := p.hookline(ctx, fmt.Sprintf("worker-%d", n), working+doNothing, "worker")
		if err != nil {
			return err
		}
		processes = append(processes, worker)
	}
	if err := b.idleProcesses(ctx, r, processes); err != nil {
		return err
	}
	queued, err := p.watch(broker.WorkQueue("archive"))
	if err != nil {
		return err
	}
	defer queued.close()
	cfg := sending(receiver)
	cfg.Count = b.few(20_000)
	if _, err := p.handled(ctx, cfg, func(uint64) error { return queued.below(ctx, 0) }, processes...); err != nil {
		return err
	}
	var shares []float64
	for _, worker := range processes[1:] {
		seen, err := worker.metrics(ctx)
		if err != nil {
			return err
		}
		shares = append(shares, seen[`hookline_worker_deliveries_total{outcome="done",route="archive"}`]*10/float64(cfg.Count))
	}
	r.least("share of the worker that had least, of ten on one queue; 1 is even", slices.Min(shares), 0.8, figure(slices.Min(shares)))
	r.most("share of the worker that had most", slices.Max(shares), 1.2, figure(slices.Max(shares)))
	return nil
}

// idleProcesses measures a receiver and workers without events.
func (b *bench) idleProcesses(ctx context.Context, r *report, processes []*process) error {
	quiet := 20 * time.Second
	if b.quick {
		quiet = 3 * time.Second
	}
	before, err := b.count(ctx, processes)
	if err != nil {
		return err
	}
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := b.count(ctx, processes)
	if err != nil {
		return err
	}
	var percents []float64
	for n := range processes {
		percents = append(percents, 100*float64(after.cpu[n]-before.cpu[n])/float64(after.at.Sub(before.at)))
	}
	r.most("CPU of an idle receiver, % of a core", percents[0], 0.5, figure(percents[0]))
	r.most("CPU of an idle worker, % of a core, median of ten", median(percents[1:]), 0.5, figure(median(percents[1:])))
	r.most("the same, of the one that uses most", slices.Max(percents[1:]), 0.5, figure(slices.Max(percents[1:])))
	return nil
}
