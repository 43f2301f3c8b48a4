package main

import (
	"context"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hookline/hookline/broker"
)

// concurrency is the number of events handled at once, here and by the bare consumer; the prefetch is twice that.
const concurrency = 16

// working is the configuration of a whole installation; the route's handler is appended.
const working = `
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret, when_down: spool } }
routes:
  archive:
    match: alma.job_end
    concurrency: 16
`

const (
	doNothing  = "    handler: { kind: nothing }\n"
	writeFiles = "    handler: { kind: file, dir: files, path: '{id}' }\n"
)

// pipeline is a system from HTTP to handled events: receiver and consumer, of Hookline or of the floor.
type pipeline struct {
	name    string
	sink    string // of the floor's consumer; empty: Hookline
	handler string // of Hookline
	more    string // additional routes
}

func (w pipeline) String() string { return w.name }

// leavesFiles reports whether each event has its file afterwards.
func (w pipeline) leavesFiles() bool {
	return w.handler == writeFiles || w.sink == "files" || w.sink == "synced"
}

// receiver starts the receiver, and returns the name of its queue.
func (w pipeline) receiver(ctx context.Context, p *sandbox) (*process, string, error) {
	if w.sink != "" {
		one, err := p.floorReceiver(ctx, "receive")
		return one, "floor", err
	}
	one, err := p.hookline(ctx, "receiver", working+w.handler+w.more, "receiver")
	return one, broker.WorkQueue("archive"), err
}

// worker starts the worker.
func (w pipeline) worker(ctx context.Context, p *sandbox) (*process, error) {
	if w.sink == "" {
		return p.hookline(ctx, "worker", working+w.handler+w.more, "worker")
	}
	return p.start("floor-consume", p.program("floor"), "consume", p.url, strconv.Itoa(2*concurrency), w.sink, p.files())
}

// files returns the folder of the handlers' files.
func (p *sandbox) files() string { return filepath.Join(p.dir, "files") }

// whole measures events until each is handled, and checks their files if the handler writes some.
func (p *sandbox) whole(ctx context.Context, path pipeline, events int64) (w window, err error) {
	receiver, queue, err := path.receiver(ctx, p)
	if err != nil {
		return w, err
	}
	worker, err := path.worker(ctx, p)
	if err != nil {
		return w, err
	}
	queued, err := p.watch(queue)
	if err != nil {
		return w, err
	}
	defer queued.close()
	cfg := sending(receiver)
	cfg.Count = events / 10
	var stored uint64
	missing := 0 // of all stored events, including the warm-up
	settled := func(n uint64) error {
		stored += n
		if path.leavesFiles() {
			missing = written(ctx, p.files(), stored)
		}
		return queued.below(ctx, 0)
	}
	warm, err := p.handled(ctx, cfg, settled, receiver, worker)
	if err != nil {
		return w, err
	}
	cfg.First, cfg.Count = warm.Next, events
	w, err = p.handled(ctx, cfg, settled, receiver, worker)
	w.lost = missing
	return w, err
}

// drain measures how a worker empties a full queue.
func (p *sandbox) drain(ctx context.Context, path pipeline, events int64) (w window, err error) {
	receiver, queue, err := path.receiver(ctx, p)
	if err != nil {
		return w, err
	}
	cfg := sending(receiver)
	cfg.Count = events
	if _, _, err := p.load(ctx, cfg, func() error { return nil }); err != nil {
		return w, err
	}
	return p.emptied(ctx, path, queue, events)
}

// emptied measures how a new worker empties a queue of that many events, from the time when it has a tenth of them.
func (p *sandbox) emptied(ctx context.Context, path pipeline, queue string, events int64) (w window, err error) {
	queued, err := p.watch(queue)
	if err != nil {
		return w, err
	}
	defer queued.close()
	worker, err := path.worker(ctx, p)
	if err != nil {
		return w, err
	}
	if err := queued.below(ctx, int(events)*9/10); err != nil {
		return w, err
	}
	left, err := queued.waiting()
	if err != nil {
		return w, err
	}
	before, err := p.count(ctx, []*process{worker})
	if err != nil {
		return w, err
	}
	if err := queued.below(ctx, 0); err != nil {
		return w, err
	}
	after, err := p.count(ctx, []*process{worker})
	if err != nil {
		return w, err
	}
	w.between(float64(left), before, after)
	w.rss, w.peak, err = memoryOf(worker.pid())
	return w, err
}

// disk measures the disk with as many writers as a worker has, and no other work.
func (p *sandbox) disk(files int) (w window, err error) {
	begun := time.Now()
	one, err := p.start("floor-write", p.program("floor"), "write", strconv.Itoa(files), strconv.Itoa(concurrency), p.files())
	if err != nil {
		return w, err
	}
	<-one.ended
	state := one.cmd.ProcessState
	w.events, w.perSecond = float64(files), float64(files)/time.Since(begun).Seconds()
	w.broker, w.peak = math.NaN(), math.NaN()
	w.cpu = []float64{float64((state.UserTime() + state.SystemTime()).Microseconds()) / w.events}
	return w, nil
}
