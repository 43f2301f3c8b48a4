package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/bench/load"
)

// receiving is the configuration of a receiver with the spool and defaults. One client has half of the requests, and the
// load of 2,000 connections comes from one.
const receiving = `
broker: { url: "${AMQP_URL}" }
limits: { max_requests: 4096 }
sources: { alma: { preset: alma, secrets: first-test-secret, when_down: spool } }
routes: { archive: { match: "#", handler: { kind: nothing } } }
`

// intake is one load on a receiver or its floor.
type intake struct {
	floor       string // its role; empty: Hookline's receiver
	kind        string
	size        int
	connections int
	want        int
}

func (i intake) String() string {
	name := map[string]string{"": "receiver", "receive": "floor", "topic": "floor, topic exchange"}[i.floor]
	return fmt.Sprintf("%s, %s, %d connections, %d bytes", name, i.kind, i.connections, i.size)
}

// start starts the receiver, and returns the name of its queue.
func (i intake) start(ctx context.Context, p *sandbox) (one *process, queue string, err error) {
	if i.floor != "" {
		one, err = p.floorReceiver(ctx, i.floor)
		return one, "floor", err
	}
	one, err = p.hookline(ctx, "receiver", receiving, "receiver")
	return one, broker.WorkQueue("archive"), err
}

// receive measures an intake once, and checks that every accepted event is in the queue.
func (p *sandbox) receive(ctx context.Context, i intake) (w window, err error) {
	one, queue, err := i.start(ctx, p)
	if err != nil {
		return w, err
	}
	cfg := sending(one)
	cfg.Kind, cfg.Size, cfg.Connections, cfg.Warm, cfg.For = i.kind, i.size, i.connections, p.warm, p.long
	if w, err = p.answered(ctx, cfg, i.want, one); err == nil {
		missing := p.lost(ctx, queue, int(w.Stored))
		w.lost, w.repeated = max(0, missing), max(0, -missing) // negative: in the queue and, confirmed too late, in the spool
	}
	return w, err
}

const eventSize = 1200

// sending is a load of valid events over 32 connections.
func sending(to ...*process) load.Config {
	cfg := load.Config{Path: "/webhooks/alma", Secret: secret, Kind: load.Good, Size: eventSize, Connections: 32, For: time.Hour}
	for _, p := range to {
		cfg.Addresses = append(cfg.Addresses, p.listen)
	}
	return cfg
}

// lost returns how many of the stored events do not reach the queue within a few seconds. A quorum queue counts with a
// delay, and a receiver may have spooled some.
func (p *sandbox) lost(ctx context.Context, queue string, stored int) (missing int) {
	_ = eventually(ctx, 100*time.Millisecond, func(context.Context) error {
		waiting, err := p.broker.Messages(p.vhost, queue)
		if missing = stored - waiting; err == nil && missing != 0 {
			err = fmt.Errorf("%d events are missing", missing)
		}
		return err
	})
	return missing
}

func receiverSection(ctx context.Context, b *bench) (*report, error) {
	connections := []int{32, 1, 256, 2000}
	if b.quick {
		connections = connections[:1]
	}
	var intakes []intake
	for _, n := range connections {
		intakes = append(intakes, intake{"receive", load.Good, eventSize, n, http.StatusOK}, intake{"", load.Good, eventSize, n, http.StatusOK})
	}
	intakes = append(intakes, intake{"topic", load.Good, eventSize, 32, http.StatusOK}, intake{"", load.Forged, eventSize, 32, http.StatusUnauthorized},
		intake{"", load.Oversized, eventSize, 32, http.StatusRequestEntityTooLarge})
	if !b.quick {
		intakes = append(intakes, intake{"receive", load.Good, largeSize, 8, http.StatusOK}, intake{"", load.Good, largeSize, 8, http.StatusOK})
	}
	seen, err := turns(ctx, b, intakes, func(p *sandbox, i intake) (window, error) { return p.receive(ctx, i) })
	if err != nil {
		return nil, err
	}
	r := &report{}
	receiverTargets(r, intakes, seen)
	receiverTable(r, intakes, seen)
	return r, nil
}

// largeSize is below the limit of the preset alma.
const largeSize = 900_000

func receiverTargets(r *report, intakes []intake, seen []windows) {
	floor, ours := seen[0], seen[1]
	r.mostRatio("CPU per event over the floor's, 32 connections", ours.over(floor, cpu), 1.25)
	r.mostRatio("CPU of the broker per event over the floor's", ours.over(floor, brokerCPU), 1.10)
	r.leastRatio("accepted/s over the floor's", ours.over(floor, perSecond), 0.9)
	r.mostRatio("p50 over the floor's", ours.over(floor, p50), 1.15)
	r.mostRatio("p99 over the floor's", ours.over(floor, p99), 1.5)
	r.most("memory idle, MiB", ours.median(idle), 20, figure(ours.median(idle)))
	r.most("memory at 32 connections, at most, MiB", ours.median(peak), 25, figure(ours.median(peak)))
	for n, i := range intakes {
		w := seen[n]
		switch {
		case i.floor == "topic":
			r.mostRatio("CPU of the broker per event over the floor's with a topic exchange", ours.over(w, brokerCPU), 1.10)
		case i.floor != "":
		case i.kind != load.Good:
			r.mostRatio("CPU of a request that is "+i.kind+" over that of a good one", w.over(ours, cpu), 1)
			r.mostRatio("CPU of the broker for it, over that for a good one (its own idle work is in it)", w.over(ours, brokerCPU), 0.1)
		case i.connections == 2000:
			r.mostRatio("CPU per event at 2,000 connections over that at 32", w.over(ours, cpu), 1.1)
			r.most("memory at 2,000 connections, at most, MiB", w.median(peak), 64, figure(w.median(peak)))
		case i.size == largeSize:
			limit := 25 + 2.5*float64(i.connections*i.size)/(1<<20)
			r.most(fmt.Sprintf("memory with %d bodies of %d kB at once, MiB", i.connections, i.size/1000), w.median(peak), limit, figure(w.median(peak)))
		}
	}
}

func receiverTable(r *report, intakes []intake, seen []windows) {
	r.table("Closed loop. CPU in µs per event, which is ms per 1,000; latency in ms; memory in MiB.",
		"system", "answered/s", "p50", "p99", "p99.9", "CPU", "over the floor", "broker's CPU", "generator's CPU", "allocations", "bytes allocated", "idle", "under load", "peak", "lost", "stored twice")
	for n, i := range intakes {
		w := seen[n]
		missing := any("-") // refused events cannot be missing
		if i.kind == load.Good {
			missing = w.sum(lost)
		}
		over := "-"
		if i.floor == "" && i.kind == load.Good {
			over = w.over(seen[n-1], cpu).String()
		}
		r.row(i, w.median(perSecond), w.median(p50), w.median(p99), w.median(p999), w.median(cpu), over, w.median(brokerCPU), w.median(generator),
			w.median(objects), w.median(bytes), w.median(idle), w.median(rss), w.median(peak), missing, w.sum(repeated))
	}
}
