package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/hookline/hookline/broker"
)

// installation is Hookline of some size under a load. Fields that are 0 count as 1, except for workers and backlog.
type installation struct {
	receivers, workers, routes, sources int
	size                                int // of a body; 0: eventSize
	backlog                             int64
}

const largest = 10 << 20

func (i installation) config() string {
	var text strings.Builder
	fmt.Fprintf(&text, "broker: { url: \"${AMQP_URL}\" }\nsources:\n  alma: { preset: alma, secrets: first-test-secret, when_down: spool, max_body: %d }\n", largest+1<<10)
	for n := range i.sources - 1 {
		fmt.Fprintf(&text, "  other-%d: { preset: github, secrets: first-test-secret }\n", n)
	}
	fmt.Fprintf(&text, "routes:\n  archive:\n    match: alma.job_end\n    concurrency: %d\n%s%s", concurrency, doNothing, otherRoutes(i.routes-1))
	return text.String()
}

// events returns the number of events to send: fewer of large ones.
func (i installation) events(b *bench) int64 {
	return max(40, min(b.few(10_000), 400<<20/int64(max(i.size, eventSize))))
}

// sized measures an installation once: until all events are handled if it has workers, else until they are stored.
func (p *sandbox) sized(ctx context.Context, i installation) (w window, err error) {
	var receivers, all []*process
	for n := range max(1, i.receivers) {
		one, err := p.hookline(ctx, fmt.Sprintf("receiver-%d", n), i.config(), "receiver")
		if err != nil {
			return w, err
		}
		receivers = append(receivers, one)
	}
	for n := range i.workers {
		one, err := p.hookline(ctx, fmt.Sprintf("worker-%d", n), i.config(), "worker")
		if err != nil {
			return w, err
		}
		all = append(all, one)
	}
	queued, err := p.watch(broker.WorkQueue("archive"))
	if err != nil {
		return w, err
	}
	defer queued.close()
	cfg := sending(receivers...)
	for _, count := range []int64{i.backlog, i.events(p.bench) / 10} { // the backlog, and then a warm-up
		if cfg.Count = count; count == 0 {
			continue
		}
		done, _, err := p.load(ctx, cfg, func() error { return nil })
		if err != nil {
			return w, err
		}
		cfg.First = done.Next
	}
	cfg.Count = i.events(p.bench)
	if i.size > 0 {
		cfg.Size, cfg.Connections = i.size, 8 // fewer, because receivers limit their memory
	}
	handled := func(uint64) error { return nil }
	if i.workers > 0 {
		handled = func(uint64) error { return queued.below(ctx, 0) }
	}
	return p.handled(ctx, cfg, handled, append(receivers, all...)...)
}

// sweep is a series of installations with one growing parameter.
type sweep struct {
	what  string
	sizes []size
}

// size is an installation with its label in the sweep.
type size struct {
	name string
	installation
}

func (s size) String() string { return s.name }

func (s *sweep) add(name any, i installation) { s.sizes = append(s.sizes, size{fmt.Sprint(name), i}) }

func sweeps(b *bench) []*sweep {
	routes, sources := &sweep{what: "routes, one of which takes the events; a worker"}, &sweep{what: "sources"}
	for _, n := range []int{1, 10, 100, 1000} {
		routes.add(n, installation{workers: 1, routes: n})
		sources.add(n, installation{sources: n})
	}
	receivers, workers := &sweep{what: "receivers"}, &sweep{what: "workers; a receiver"}
	for _, n := range []int{1, 2, 4, 8} {
		receivers.add(n, installation{receivers: n})
		workers.add(n, installation{workers: n})
	}
	bytes, waiting := &sweep{what: "bytes of a body"}, &sweep{what: "events waiting"}
	for _, n := range []int{250, 1_200, 10_000, 100_000, 1_000_000, largest} {
		bytes.add(n, installation{size: n})
	}
	for _, n := range []int64{0, b.backlog / 10, b.backlog} {
		waiting.add(n, installation{backlog: n})
	}
	return []*sweep{routes, sources, receivers, workers, bytes, waiting}
}

// scaleSection shows how cost grows with each matching parameter. It has no targets.
func scaleSection(ctx context.Context, b *bench, only *regexp.Regexp) (*report, error) {
	r := &report{}
	for _, s := range sweeps(b) {
		if !only.MatchString(s.what) {
			continue
		}
		seen, err := turns(ctx, b, s.sizes, func(p *sandbox, one size) (window, error) { return p.sized(ctx, one.installation) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.what, err)
		}
		r.table("How cost grows with the number of "+s.what+". CPU in µs per event, of all processes of a kind together.",
			s.what, "events/s", "p50, ms", "p99, ms", "CPU of receivers", "CPU of workers", "broker's CPU", "memory of the first receiver, MiB")
		for n, one := range s.sizes {
			w, receivers := seen[n], max(1, one.receivers)
			r.row(one, w.median(perSecond), w.median(p50), w.median(p99), w.median(part(0, receivers)), w.median(part(receivers, receivers+one.workers)),
				w.median(brokerCPU), w.median(peak))
		}
	}
	return r, nil
}

// part returns the CPU time of some processes together.
func part(from, to int) func(window) float64 {
	return func(w window) float64 { return cpu(window{cpu: w.cpu[from:to]}) }
}
