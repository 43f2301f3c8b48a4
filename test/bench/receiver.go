package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/test/bench/load"
)

// receiving is the configuration of a receiver: everything is at its default, and the spool is in use.
const receiving = `
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first, when_down: spool } }
routes: { archive: { match: "#", handler: { kind: nothing } } }
`

// receiverKind is a system that takes events in and stores them in a queue.
type receiverKind struct {
	name  string
	queue string
	start func(context.Context, *place) (*process, error)
}

func floorKind() receiverKind {
	return receiverKind{"floor", "floor", func(ctx context.Context, p *place) (*process, error) { return p.floorReceiver(ctx) }}
}

func hooklineKind() receiverKind {
	return receiverKind{"receiver", broker.WorkQueue("archive"), func(ctx context.Context, p *place) (*process, error) {
		return p.hookline(ctx, "receiver", receiving, "receiver")
	}}
}

// intake is one load on one kind of receiver.
type intake struct {
	receiverKind
	kind        string
	size        int
	connections int
	want        int
}

func (i intake) String() string {
	return fmt.Sprintf("%s, %s, %d connections, %d bytes", i.name, i.kind, i.connections, i.size)
}

// receive measures an intake once, in a place of its own, and looks whether everything that was accepted is in the queue.
func (b *bench) receive(ctx context.Context, i intake) (w window, lost int, err error) {
	p, err := b.newPlace(ctx)
	if err != nil {
		return w, 0, err
	}
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	one, err := i.start(ctx, p)
	if err != nil {
		return w, 0, err
	}
	cfg := load.Config{
		Addresses: []string{one.listen}, Path: "/webhooks/alma", Secret: secret, Kind: i.kind, Size: i.size, Connections: i.connections,
		Warm: b.warm, For: b.long,
	}
	if w, err = p.measure(ctx, cfg, i.want, one); err != nil {
		return w, 0, fmt.Errorf("%v: %w", i, err)
	}
	return w, p.lost(ctx, i.queue, int(w.Stored)), nil
}

// lost is how many of the stored events do not get to the queue within a few seconds; a negative number are duplicates.
// A quorum queue counts a moment late, and a receiver's spool may have taken some.
func (p *place) lost(ctx context.Context, queue string, stored int) (missing int) {
	_ = eventually(ctx, 100*time.Millisecond, func(context.Context) error {
		waiting, err := p.broker.Messages(p.vhost, queue)
		if missing = stored - waiting; err == nil && missing != 0 {
			err = fmt.Errorf("%d events are missing", missing)
		}
		return err
	})
	return missing
}

const eventSize = 1200

func receiverSection(ctx context.Context, b *bench) (*report, error) {
	var intakes []intake
	connections := []int{32, 1, 256, 2000}
	if b.quick {
		connections = connections[:1]
	}
	for _, n := range connections {
		intakes = append(intakes,
			intake{floorKind(), load.Good, eventSize, n, http.StatusOK}, intake{hooklineKind(), load.Good, eventSize, n, http.StatusOK})
	}
	intakes = append(intakes, intake{hooklineKind(), load.Forged, eventSize, 32, http.StatusUnauthorized},
		intake{hooklineKind(), load.Oversized, eventSize, 32, http.StatusRequestEntityTooLarge})
	seen := make([]windows, len(intakes))
	lost := make([]int, len(intakes))
	for round := range b.rounds {
		for turn := range intakes {
			at := turn
			if round%2 == 1 { // nobody is always the first
				at = len(intakes) - 1 - turn
			}
			w, missing, err := b.receive(ctx, intakes[at])
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "%v: %.0f/s, %.1f us, broker %.1f us\n", intakes[at], w.perSecond, cpu(w), w.broker)
			seen[at] = append(seen[at], w)
			lost[at] += missing
		}
	}
	return receiverReport(intakes, seen, lost), nil
}

func receiverReport(intakes []intake, seen []windows, lost []int) *report {
	r := &report{}
	floor, ours := seen[0], seen[1]
	r.mostRatio("CPU per event over the floor's", ours.over(floor, cpu), 1.25)
	r.mostRatio("the broker's CPU per event over what the floor causes", ours.over(floor, brokerCPU), 1.10)
	r.leastRatio("accepted/s over the floor's", ours.over(floor, perSecond), 0.9)
	r.mostRatio("p50 over the floor's", ours.over(floor, p50), 1.15)
	r.mostRatio("p99 over the floor's", ours.over(floor, p99), 1.5)
	r.table("CPU in ms per 1,000 events, which is µs per event; latency in ms; memory in MiB. Closed loop, 1.2 kB events.",
		"system", "connections", "answered/s", "p50", "p99", "p99.9", "CPU", "over the floor", "CPU of the broker", "CPU of the generator", "allocations", "bytes allocated", "idle", "under load", "peak", "lost")
	for n, i := range intakes {
		w := seen[n]
		over := any("-")
		if n%2 == 1 && i.kind == load.Good {
			over = w.over(seen[n-1], cpu)
		}
		name := i.name
		if i.kind != load.Good {
			name += ", " + i.kind
		}
		r.row(name, fmt.Sprint(i.connections), w.median(perSecond), w.median(p50), w.median(p99), w.median(p999), w.median(cpu), over, w.median(brokerCPU),
			w.median(generator), w.median(objects), w.median(bytes), w.median(idle), w.median(rss), w.median(peak), fmt.Sprint(lost[n]))
	}
	return r
}
