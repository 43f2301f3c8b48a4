package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hookline/hookline/broker"
)

const withJournal = "journal: { enabled: true }\n"

// recording is a receiver with or without the journal.
type recording struct {
	name, more string
}

func (r recording) String() string { return r.name }

// record measures a receiver once.
func (p *sandbox) record(ctx context.Context, r recording) (w window, err error) {
	one, err := p.hookline(ctx, "receiver", receiving+r.more, "receiver")
	if err != nil {
		return w, err
	}
	cfg := sending(one)
	cfg.Warm, cfg.For = p.warm, p.long
	if w, err = p.answered(ctx, cfg, http.StatusOK, one); err != nil {
		return w, err
	}
	missing := p.lost(ctx, broker.WorkQueue("archive"), int(w.Stored))
	w.lost, w.repeated = max(0, missing), max(0, -missing)
	seen, err := one.metrics(ctx)
	w.dropped = seen["hookline_journal_records_dropped_total"]
	return w, err
}

// journalSection measures the journal's cost at RabbitMQ and in its clients; `task bench` measures the journal's file elsewhere. The rate of the
// first table is the greatest, so that batches are full; in the second one a worker handles each event.
func journalSection(ctx context.Context, b *bench) (*report, error) {
	r := &report{}
	receivers := []recording{{"receiver without the journal", ""}, {"receiver with it", withJournal}, {"receiver without it again", ""}}
	seen, err := turns(ctx, b, receivers, func(p *sandbox, c recording) (window, error) { return p.record(ctx, c) })
	if err != nil {
		return nil, err
	}
	off, on, again := seen[0], seen[1], seen[2]
	r.mostRatio("CPU of the broker per event with the journal, over that without", on.over(off, brokerCPU), 1.20)
	more := on.minus(off, cpu)
	r.most("CPU of the receiver per event with the journal, minus that without, µs", more.median, 10, more)
	r.table("Closed loop of 32 connections. CPU in µs per event; latency in ms; memory in MiB.",
		"system", "answered/s", "p50", "p99", "CPU", "broker's CPU", "broker's CPU over the first", "allocations", "bytes allocated", "peak", "records dropped", "lost")
	for n, c := range receivers {
		w := seen[n]
		r.row(c, w.median(perSecond), w.median(p50), w.median(p99), w.median(cpu), w.median(brokerCPU), w.over(off, brokerCPU),
			w.median(objects), w.median(bytes), w.median(peak), w.median(dropped), w.sum(lost))
	}
	b.progress("the control's broker: %v", again.over(off, brokerCPU))

	whole := []pipeline{{name: "receiver and worker without the journal", handler: doNothing}, {name: "receiver and worker with it", handler: doNothing, more: withJournal}}
	handled, err := turns(ctx, b, whole, func(p *sandbox, w pipeline) (window, error) { return p.whole(ctx, w, b.few(20_000)) })
	if err != nil {
		return nil, err
	}
	r.mostRatio("CPU of the broker per event that is handled, too", handled[1].over(handled[0], brokerCPU), 1.20)
	r.table(fmt.Sprintf("%d events from HTTP to a handler that does nothing. CPU in µs per event, receiver and worker together.", b.few(20_000)),
		"system", "handled/s", "CPU", "broker's CPU", "lost")
	for n, p := range whole {
		w := handled[n]
		r.row(p, w.median(perSecond), w.median(cpu), w.median(brokerCPU), w.sum(lost))
	}
	return r, nil
}

func dropped(w window) float64 { return w.dropped }

// minus compares two systems round by round.
func (w windows) minus(other windows, of func(window) float64) ratio {
	var values []float64
	for i := range min(len(w), len(other)) {
		values = append(values, of(w[i])-of(other[i]))
	}
	return ratioOf(values)
}
