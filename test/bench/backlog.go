package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// newEvents is the number of new events a second while a long queue is emptied.
const newEvents = 200

// quickest is more events a second than any consumer handles: it gives the shortest time in which the queue can be emptied.
const quickest = 30_000

// backlog measures how fast a long queue is emptied while new events arrive, and how the receiver answers these. It measures
// the floors too, because on one machine the consumer competes with the receiver for the CPU.
func backlog(ctx context.Context, b *bench, r *report) error {
	pipelines := []pipeline{{name: "floors", sink: "none"}, {name: "receiver and worker", handler: doNothing}}
	few := b.few(20_000)
	short, err := turns(ctx, b, pipelines, func(p *sandbox, w pipeline) (window, error) { return p.drain(ctx, w, few) })
	if err != nil {
		return err
	}
	long, err := turns(ctx, b, pipelines, func(p *sandbox, w pipeline) (window, error) { return p.recovery(ctx, w) })
	if err != nil {
		return err
	}
	speed, delay := make([][]float64, len(pipelines)), make([][]float64, len(pipelines)) // of each round
	for n := range pipelines {
		for round, w := range long[n] {
			speed[n] = append(speed[n], w.perSecond/short[n][round].perSecond)
			delay[n] = append(delay[n], w.P99/w.quiet)
		}
	}
	kept, beside := ratioOf(speed[1]), ratioOver(speed[1], speed[0])
	r.least(fmt.Sprintf("events/s from a backlog of %d, beside %d new ones a second, over those from one of %d", b.backlog, newEvents, few), kept.median, 0.9, kept)
	r.least("the same over the floors' ratio", beside.median, 0.9, beside)
	r.mostRatio("the receiver's p99 meanwhile, over that before", ratioOf(delay[1]), 1.5)
	r.mostRatio("the same over the floors' ratio", ratioOver(delay[1], delay[0]), 1.5)
	r.table(fmt.Sprintf("A backlog of %d is emptied while %d events a second come. p99 is that of the receiver's answers, in ms; CPU in µs per event of the backlog.", b.backlog, newEvents),
		"system", fmt.Sprintf("events/s, of %d", few), fmt.Sprintf("events/s, of %d", b.backlog), "p99 before", "p99 meanwhile", "CPU of the consumer", "broker's CPU")
	for n, path := range pipelines {
		w := long[n]
		r.row(path, short[n].median(perSecond), w.median(perSecond), w.median(quiet), w.median(p99), w.median(cpu), w.median(brokerCPU))
	}
	return nil
}

// recovery measures once how a long queue is emptied while new events arrive, and the answers to these, before and meanwhile.
func (p *sandbox) recovery(ctx context.Context, path pipeline) (w window, err error) {
	receiver, queue, err := path.receiver(ctx, p)
	if err != nil {
		return w, err
	}
	live := sending(receiver)
	live.Rate, live.Connections, live.Warm = newEvents, 64, p.warm
	live.For = time.Duration(p.backlog) * time.Second / quickest
	nothing := func() error { return nil }
	before, _, err := p.load(ctx, live, nothing)
	if err != nil {
		return w, err
	}
	fill := sending(receiver)
	fill.First, fill.Count = before.Next, p.backlog
	filled, _, err := p.load(ctx, fill, nothing)
	if err != nil {
		return w, err
	}
	p.calm(ctx)
	live.First = filled.Next
	during, _, err := p.load(ctx, live, func() (err error) { // the load goes on meanwhile
		begun := time.Now()
		w, err = p.emptied(ctx, path, queue, p.backlog)
		if time.Since(begun) < live.For {
			p.progress("the backlog was gone before the load ended: its latency is of both")
		}
		return err
	})
	if err != nil {
		return w, err
	}
	w.Result, w.quiet = during, before.P99
	return w, errors.Join(before.Failed(200), filled.Failed(200), during.Failed(200))
}

// calm waits until RabbitMQ has finished the work of the previous load, half a minute at most: the work that remains after the filling of a
// queue must not count for its emptying.
func (p *sandbox) calm(ctx context.Context) {
	const look = 500 * time.Millisecond
	before := time.Duration(0)
	_ = eventually(ctx, look, func(context.Context) error {
		spent, err := cpuOf(p.about.PID)
		busy := spent - before
		if before = spent; err == nil && busy > look/10 {
			err = fmt.Errorf("RabbitMQ is busy: %v of CPU in %v", busy, look)
		}
		return err
	})
}
