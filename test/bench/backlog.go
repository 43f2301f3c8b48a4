package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// backlog looks at how fast a long queue is emptied while new events come, and at how the receiver answers these.
func backlog(ctx context.Context, b *bench, r *report) (err error) {
	short, err := b.at(ctx, func(p *place) (window, error) { return p.drain(ctx, way{handler: doNothing}, b.few(20_000)) })
	if err != nil {
		return err
	}
	p, err := b.newPlace(ctx)
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	ours := way{handler: doNothing}
	receiver, queue, err := ours.receiver(ctx, p)
	if err != nil {
		return err
	}
	live := sending(receiver)
	live.Rate, live.Connections, live.Warm, live.For = 200, 64, b.warm, 2*b.long
	quiet, err := p.answered(ctx, live, 200, receiver)
	if err != nil {
		return err
	}
	fill := sending(receiver)
	fill.First, fill.Count = quiet.Next, b.backlog
	filled, _, err := p.load(ctx, fill, func() error { return nil })
	if err != nil {
		return err
	}
	line, err := p.watch(queue)
	if err != nil {
		return err
	}
	defer line.close()
	if _, err := ours.worker(ctx, p); err != nil {
		return err
	}
	begun := time.Now()
	before, err := line.waiting()
	if err != nil {
		return err
	}
	live.First = filled.Next
	during, err := p.answered(ctx, live, 200, receiver)
	if err != nil {
		return err
	}
	meanwhile, err := line.waiting()
	if err != nil {
		return err
	}
	if err := line.below(ctx, 0); err != nil {
		return err
	}
	rate := (float64(before) + float64(during.Stored)) / time.Since(begun).Seconds()
	r.least(fmt.Sprintf("events/s from a backlog of %d, beside 200 new ones a second, over those from one of %d", before, b.few(20_000)), rate/short.perSecond, 0.9,
		fmt.Sprintf("%.2f: %.0f/s, %.0f/s", rate/short.perSecond, rate, short.perSecond))
	r.most("the receiver's p99 meanwhile, over that before", during.P99/quiet.P99, 1.5, fmt.Sprintf("%.2f: %.1f ms, %.1f ms", during.P99/quiet.P99, during.P99, quiet.P99))
	if meanwhile == 0 {
		b.progress("the backlog was gone before the load ended: its figures are of both")
	}
	return nil
}
