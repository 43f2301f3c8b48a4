package ledger

import (
	"maps"
	"slices"
	"time"
	"unique"
)

// Totals are the sums of a book at one moment.
type Totals struct {
	Since   time.Time // when counting began
	Anew    string    // why counting began anew; empty: it did not, or somebody has acknowledged it
	Newer   int64     // notes that this version does not know: the sums are incomplete
	Routes  map[string]RouteTotals
	Sources map[string]SourceTally
	Spooled map[string]int64 // events in spools, by source
	Spools  []SpoolTotals
	// Unrouted counts the unrouted events that were open at Mark already, by routing key. Those from a summary of an older Hookline are missing.
	Unrouted map[string]int64
}

// RouteTotals are the sums of one route; "" is the route of the unrouted.
type RouteTotals struct {
	Accepted, Done, Discarded int64
	Extra                     int64 // finished more often than accepted
	Uncounted                 int64 // finished, and no receiver noted the event for this route: it does not know the route
	Lost                      int64 // accepted and counted as unaccounted, before counting began anew
	External                  bool  // a program of somebody else consumes the events
	Unfinished                int64 // accepted as events of an external route, and not finished: taken by its consumer, or in the queues
	UnfinishedAtMark          int64 // Unfinished at Mark
	Open                      int64 // accepted and not finished, without Unfinished
	Unkeyed                   int64 // of Open: counted by number, because too many events are open
	OpenAtMark                int64 // of Open: open at Mark already
	Retrying                  int64 // of OpenAtMark: waiting for another attempt
	Held                      int64 // deliveries that processes hold: the most of each since Mark
	Running                   int64 // deliveries in a handler now
}

// Mark begins an audit, which looks for the events that are open now.
func (b *Book) Mark() {
	b.mark = b.position.Offset
	for _, p := range b.processes {
		p.peak = maps.Clone(p.held)
	}
	for _, t := range b.routes {
		t.external.atMark = t.external.unfinished
		t.unkeyed.fresh = 0
	}
}

// Routes returns the names of all routes in the notes and bindings, with "" if events were unrouted.
func (b *Book) Routes() []string {
	all := slices.Collect(maps.Keys(b.routes))
	for route := range b.bindings {
		if b.routes[route] == nil {
			all = append(all, route)
		}
	}
	return all
}

// Totals adds the book up. now tells which processes are silent: their deliveries count as held no longer.
func (b *Book) Totals(now time.Time) Totals {
	routes := map[string]RouteTotals{}
	for name, t := range b.routes {
		routes[name] = RouteTotals{
			Accepted: t.accepted, Done: t.done, Discarded: t.discarded, Extra: t.extra, Uncounted: t.uncounted, Lost: t.lost,
			External: t.external.declared, Unfinished: t.external.unfinished, UnfinishedAtMark: t.external.atMark,
			Open: t.unkeyed.open, Unkeyed: t.unkeyed.open,
		}
	}
	change := func(route string, f func(*RouteTotals)) {
		r := routes[route]
		f(&r)
		routes[route] = r
	}
	type state struct {
		route            string
		atMark, retrying bool
	}
	count, unrouted := map[state]int64{}, map[string]int64{}
	for _, e := range b.open {
		count[state{e.route, e.acceptedAt <= b.mark, e.retrying}] += e.deliveries()
		if e.acceptedAt <= b.mark && e.routingKey != (unique.Handle[string]{}) {
			unrouted[e.routingKey.Value()]++
		}
	}
	for s, n := range count {
		change(s.route, func(r *RouteTotals) {
			r.Open += n
			if s.atMark {
				r.OpenAtMark += n
				if s.retrying {
					r.Retrying += n
				}
			}
		})
	}
	b.finishEarly(change)
	for name, t := range b.routes {
		change(name, t.countUnkeyed)
	}
	for _, p := range b.processes {
		if now.Sub(p.seen) > freshness {
			continue
		}
		for route, n := range p.peak {
			change(route, func(r *RouteTotals) { r.Held += n })
		}
		for route, n := range p.running {
			change(route, func(r *RouteTotals) { r.Running += n })
		}
	}
	return Totals{Since: b.since, Anew: b.anew, Newer: b.newer, Routes: routes, Sources: b.sourceTallies(), Spooled: b.spooled(), Spools: b.spoolTotals(now), Unrouted: unrouted}
}

// spooled returns the number of spooled events by source.
func (b *Book) spooled() map[string]int64 {
	spooled := map[string]int64{}
	for _, spool := range b.spools {
		for source, n := range spool.events {
			spooled[source] += n
		}
	}
	return spooled
}

// sourceTallies returns copies of the tallies of all sources.
func (b *Book) sourceTallies() map[string]SourceTally {
	sources := map[string]SourceTally{}
	for name, s := range b.sources {
		sources[name] = SourceTally{s.Accepted, s.Unrouted, maps.Clone(s.Counts)}
	}
	return sources
}
