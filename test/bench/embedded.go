package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// embeddedFigures are the figures of test/bench/embedded.
type embeddedFigures struct {
	Enqueued, Dequeued             []float64
	EnqueuedBeside, DequeuedMore   []float64
	Filled                         float64
	EnqueuedBehind, DequeuedBehind []float64
}

func embeddedSection(ctx context.Context, b *bench) (*report, error) {
	r := &report{}
	events, waiting := b.few(50_000), b.few(1_000_000)
	s, err := b.embedded(ctx, events, waiting)
	if err != nil {
		return nil, err
	}
	r.least("durable enqueue with 64 senders, events/s", median(s.Enqueued), 20_000, spreadOf(s.Enqueued))
	r.leastRatio(fmt.Sprintf("the same with %d waiting, over that with none", waiting), ratioOver(s.EnqueuedBehind, s.Enqueued), 1)
	keeps := median(s.DequeuedMore) / median(s.EnqueuedBeside)
	r.least("dequeue over enqueue, both at once, which cannot be more than 1", keeps, 0.98, figure(keeps))
	r.table(fmt.Sprintf("Events/s of the embedded broker, %d events of 1.2 kB at a time, repeats looked for.", events), "measurement", "64 senders enqueue", "64 handlers dequeue")
	r.row("one after the other", spreadOf(s.Enqueued), spreadOf(s.Dequeued))
	r.row("both at once", spreadOf(s.EnqueuedBeside), spreadOf(s.DequeuedMore))
	r.row(fmt.Sprintf("while the backlog of %d is made", waiting), s.Filled, "-")
	r.row("behind it, one after the other", spreadOf(s.EnqueuedBehind), spreadOf(s.DequeuedBehind))
	return r, embeddedWay(ctx, b, r)
}

// embedded runs test/bench/embedded.
func (b *bench) embedded(ctx context.Context, events, waiting int64) (s embeddedFigures, err error) {
	dir, err := os.MkdirTemp(b.dir, "embedded-")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cmd := exec.CommandContext(ctx, b.program("embedded"), dir, strconv.FormatInt(events, 10), strconv.FormatInt(waiting, 10), strconv.Itoa(b.rounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(out, &s)
}

// embeddedWay measures Hookline in one process, under a closed loop.
func embeddedWay(ctx context.Context, b *bench, r *report) error {
	pipelines := []pipeline{{name: "nothing", handler: doNothing}, {name: "`file`", handler: writeFiles}}
	seen, err := turns(ctx, b, pipelines, func(p *sandbox, path pipeline) (w window, err error) {
		one, err := p.hookline(ctx, "all", embeddedConfig+path.handler, "run")
		if err != nil {
			return w, err
		}
		cfg := sending(one)
		cfg.Warm, cfg.For = b.warm, b.long
		return p.answered(ctx, cfg, 200, one)
	})
	if err != nil {
		return err
	}
	r.table("`hookline run` with the embedded broker: HTTP, broker and handler in one process. Closed loop of 32 connections; latency of the answer in ms; CPU in µs per event, including the handling of events meanwhile.",
		"handler", "accepted/s", "p50", "p99", "p99.9", "CPU", "allocations", "memory at most, MiB")
	for n, path := range pipelines {
		w := seen[n]
		r.row(path, w.median(perSecond), w.median(p50), w.median(p99), w.median(p999), w.median(cpu), w.median(objects), w.median(peak))
	}
	return nil
}
