package main

import (
	"context"
	"fmt"
	"strings"
)

func workersSection(ctx context.Context, b *bench) (*report, error) {
	r := &report{}
	for _, part := range []func(context.Context, *bench, *report) error{wholeWay, emptyHandler, durableFiles, tenWorkers, manyRoutes} {
		if err := part(ctx, b, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// few returns n, or less with -quick.
func (b *bench) few(n int64) int64 {
	if b.quick {
		return n / 5
	}
	return n
}

// wholeWay compares the systems from HTTP to one file an event.
func wholeWay(ctx context.Context, b *bench, r *report) error {
	pipelines := []pipeline{
		{name: "floors, a file an event", sink: "files"},
		{name: "floors, a file an event, fsynced", sink: "synced"},
		{name: "receiver and worker, handler `file`", handler: writeFiles},
		{name: "floors, no work", sink: "none"},
		{name: "receiver and worker, no work", handler: doNothing},
	}
	seen, err := turns(ctx, b, pipelines, func(p *sandbox, w pipeline) (window, error) { return p.whole(ctx, w, b.few(5_000)) })
	if err != nil {
		return err
	}
	bare, synced, ours := seen[0], seen[1], seen[2]
	r.mostRatio("whole way to one durable file an event: CPU over the floors', whose files are not durable", ours.over(bare, cpu), 1.5)
	r.mostRatio("the same over the floors' with fsync, as the handler `file` does", ours.over(synced, cpu), 1.5)
	r.table("The whole way of an event, until all events of a load of 32 connections have been handled. CPU in µs per event.",
		"system", "events/s", "CPU of the receiver", "CPU of the worker", "over the first", "broker's CPU", "lost")
	for n, path := range pipelines {
		w := seen[n]
		missing := any("-") // events without files leave no gap
		if path.leavesFiles() {
			missing = w.sum(lost)
		}
		r.row(path, w.median(perSecond), w.median(nth(0)), w.median(nth(1)), w.over(bare, cpu), w.median(brokerCPU), missing)
	}
	r.table("Its CPU over that of the floors without fsync:", "the price of fsync, which the floors pay too", "the addition of Hookline", "both")
	r.row(synced.over(bare, cpu), ours.over(synced, cpu), ours.over(bare, cpu))
	return nil
}

// nth returns the figure of one process's CPU time.
func nth(n int) func(window) float64 { return func(w window) float64 { return w.cpu[n] } }

// emptyHandler compares the speed of emptying a full queue with a handler that does no work.
func emptyHandler(ctx context.Context, b *bench, r *report) error {
	pipelines := []pipeline{{name: "bare consumer, no work", sink: "none"}, {name: "worker, no work", handler: doNothing}}
	seen, err := turns(ctx, b, pipelines, func(p *sandbox, w pipeline) (window, error) { return p.drain(ctx, w, b.few(20_000)) })
	if err != nil {
		return err
	}
	r.leastRatio("events/s of an empty handler over a bare consumer's with the same prefetch", seen[1].over(seen[0], perSecond), 0.9)
	drained(r, "A queue that is full is emptied, 16 at once, prefetch 32, nothing done.", pipelines, seen)
	return nil
}

// durableFiles compares the file handler with the speed of the disk.
func durableFiles(ctx context.Context, b *bench, r *report) error {
	files := b.few(5_000)
	pipelines := []pipeline{{name: "16 writers that fsync file and folder, no queue"}, {name: "bare consumer, fsynced files", sink: "synced"}, {name: "worker, handler `file`", handler: writeFiles}}
	seen, err := turns(ctx, b, pipelines, func(p *sandbox, w pipeline) (window, error) {
		if w.sink == "" && w.handler == "" {
			return p.disk(int(files))
		}
		return p.drain(ctx, w, files)
	})
	if err != nil {
		return err
	}
	r.mostRatio("files/s of as many fsynced writers without a queue over those of the handler `file`", seen[0].over(seen[2], perSecond), 1.2)
	r.mostRatio("files/s of a bare consumer with as many fsynced writers over those of the handler `file`", seen[1].over(seen[2], perSecond), 1.2)
	drained(r, "The same with a durable file an event.", pipelines, seen)
	return nil
}

func drained(r *report, caption string, pipelines []pipeline, seen []windows) {
	r.table(caption+" CPU in µs per event.", "system", "events/s", "over the first", "CPU", "over the first", "broker's CPU", "memory, MiB")
	for n, path := range pipelines {
		w := seen[n]
		r.row(path, w.median(perSecond), w.over(seen[0], perSecond), w.median(cpu), w.over(seen[0], cpu), w.median(brokerCPU), w.median(peak))
	}
}

// manyRoutes compares the cost of an event of one route among ten routes and among a hundred.
func manyRoutes(ctx context.Context, b *bench, r *report) error {
	pipelines := []pipeline{{name: "10 routes", handler: doNothing, more: otherRoutes(9)}, {name: "100 routes", handler: doNothing, more: otherRoutes(99)}}
	seen, err := turns(ctx, b, pipelines, func(p *sandbox, w pipeline) (window, error) { return p.whole(ctx, w, b.few(5_000)) })
	if err != nil {
		return err
	}
	r.mostRatio("CPU per event with a hundred routes over that with ten", seen[1].over(seen[0], cpu), 1.05)
	r.table("Routes, one of which takes the events; no work. CPU in µs per event.", "system", "events/s", "CPU of the receiver", "CPU of the worker", "broker's CPU")
	for n, path := range pipelines {
		w := seen[n]
		r.row(path, w.median(perSecond), w.median(nth(0)), w.median(nth(1)), w.median(brokerCPU))
	}
	return nil
}

// otherRoutes returns n routes that match none of the load's events.
func otherRoutes(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "  other-%d: { match: alma.other_%d.#, handler: { kind: nothing } }\n", i, i)
	}
	return text.String()
}
