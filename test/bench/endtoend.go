package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/hookline/hookline/test/bench/load"
)

const stampFile = "files" // a path relative to the sandbox, as p.files

// noteStart is the handler that records when it began.
const noteStart = "    handler: { kind: stamp, file: " + stampFile + " }\n"

func endToEndSection(ctx context.Context, b *bench) (*report, error) {
	r := &report{}
	for _, part := range []func(context.Context, *bench, *report) error{paces, backlog, startUp} {
		if err := part(ctx, b, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// pace is a pipeline at a rate. Its window has the times from an event's due time to the start of its handler.
type pace struct {
	pipeline
	rate float64
	name string
}

func (p pace) String() string { return fmt.Sprintf("%s, %s", p.pipeline, p.name) }

// paces measures the duration of events at rates that are parts of the greatest, and at 200 a second.
func paces(ctx context.Context, b *bench, r *report) error {
	floor, ours := pipeline{name: "floors", sink: "stamp"}, pipeline{name: "receiver and worker", handler: noteStart}
	peaks, err := turns(ctx, b, []pipeline{floor, ours}, func(p *sandbox, w pipeline) (window, error) { return p.whole(ctx, w, b.few(10_000)) })
	if err != nil {
		return err
	}
	peak := peaks[1].median(perSecond)
	list := []pace{{floor, 200, "200/s"}, {ours, 200, "200/s"}}
	for _, percent := range []int{10, 50, 80} {
		name := fmt.Sprintf("%d %% of the peak of ours", percent)
		rate := peak * float64(percent) / 100
		list = append(list, pace{floor, rate, name}, pace{ours, rate, name})
	}
	list = append(list, pace{floor, peaks[0].median(perSecond) * 0.8, "80 % of their own peak"})
	seen, err := turns(ctx, b, list, func(p *sandbox, one pace) (window, error) { return p.paced(ctx, one) })
	if err != nil {
		return err
	}
	steady := seen[1]
	r.most("200 events/s: p50 from HTTP to handler, ms", steady.median(p50), 8, spread(steady, p50))
	r.most("200 events/s: p99, ms", steady.median(p99), 20, spread(steady, p99))
	r.table(fmt.Sprintf("From the due time of an event's sending to the begin of its handler, in ms. Open loop over 64 connections. The peak is the rate of a closed loop of 32 connections: floors %s/s, ours %s/s.",
		spread(peaks[0], perSecond), spread(peaks[1], perSecond)),
		"system", "events/s", "p50", "p99", "p99.9", "CPU per event, µs", "broker's", "lost", "repeated")
	for n, p := range list {
		w := seen[n]
		r.row(p, w.median(perSecond), w.median(p50), w.median(p99), w.median(p999), w.median(cpu), w.median(brokerCPU), w.sum(lost), w.sum(repeated))
	}
	return nil
}

// paced measures a pace once, and compares accepted with handled events, one by one.
func (p *sandbox) paced(ctx context.Context, pace pace) (w window, err error) {
	receiver, _, err := pace.receiver(ctx, p)
	if err != nil {
		return w, err
	}
	worker, err := pace.worker(ctx, p)
	if err != nil {
		return w, err
	}
	cfg := sending(receiver)
	cfg.Connections, cfg.Rate, cfg.Accepted = 64, pace.rate, filepath.Join(p.dir, "accepted")
	cfg.Warm, cfg.For = p.warm, p.long
	if w, err = p.answered(ctx, cfg, 200, receiver, worker); err != nil {
		return w, err
	}
	records, err := stamped(ctx, p.files(), w.Stored)
	if err != nil {
		p.progress("%v", err) // missing events are counted below
	}
	warm := uint64(pace.rate * p.warm.Seconds())
	var ages []time.Duration
	for _, record := range records {
		if record.Number >= warm {
			ages = append(ages, record.Age)
		}
	}
	slices.Sort(ages)
	w.P50, w.P99, w.P999 = load.Quantile(ages, .5), load.Quantile(ages, .99), load.Quantile(ages, .999)
	w.lost, w.repeated, err = settle(cfg.Accepted, records)
	return w, err
}

// startUp measures the start of a process with the embedded broker until it can store events.
func startUp(ctx context.Context, b *bench, r *report) error {
	var took windows
	for range 2 * b.rounds {
		w, err := b.at(ctx, func(p *sandbox) (window, error) { return p.startOnce(ctx) })
		if err != nil {
			return err
		}
		took = append(took, w)
	}
	r.most("start of `hookline run` with the embedded broker until it can store, ms", took.median(p50), 200, spread(took, p50))
	return nil
}

func (p *sandbox) startOnce(ctx context.Context) (w window, err error) {
	one, err := p.hookline(ctx, "all", embeddedConfig+writeFiles, "run")
	if err != nil {
		return w, err
	}
	w.P50 = one.started.Seconds() * 1000
	return w, nil
}

// embeddedConfig is the configuration of all roles in one process; the route's handler is appended.
const embeddedConfig = `
broker: { url: embedded }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  archive:
    match: "#"
    concurrency: 16
`
