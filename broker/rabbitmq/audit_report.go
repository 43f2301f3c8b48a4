package rabbitmq

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// queueCounts are how many messages lie in queues. The route "" is the unrouted.
type queueCounts struct {
	work, dead map[string]int64 // by route
	retry      int64            // of all routes
}

// routeBalance is what a route's own queues and hands lack or have too much.
type routeBalance struct {
	route            string
	missed, surplus  int64
	retrying, parked int64 // in the delay queues: at most, and found
}

// auditReport compares the ledger with the queues.
//
// The delay queues belong to all routes: what lies there is taken for those of which the ledger says so, then for
// whatever else is missed. A binding made by hand, or one that is missing, takes an event elsewhere than the ledger has
// it: what the unrouted have too much is not missed at a route, and the other way round.
func auditReport(t ledger.Totals, d queueCounts) broker.Audit {
	names := slices.Sorted(maps.Keys(d.work))
	routes := make([]routeBalance, len(names))
	for i, name := range names {
		r := t.Routes[name]
		off := r.Stayed - (d.work[name] + d.dead[name] + r.Held)
		routes[i] = routeBalance{route: name, missed: max(0, off), surplus: max(0, -off), retrying: r.Retrying}
	}
	parked := d.retry
	for i := range routes {
		parked -= routes[i].park(min(parked, routes[i].retrying))
	}
	for i := range routes {
		parked -= routes[i].park(parked)
	}
	offset(routes)

	a := broker.Audit{Since: t.Since, Sources: sources(t), Routes: []broker.RouteAudit{}}
	for _, s := range routes {
		r := routeAudit(t.Routes[s.route], s, d)
		a.Routes = append(a.Routes, r)
		a.Unaccounted += r.Unaccounted
	}
	return a
}

// park takes up to n of what is missed as found in the delay queues, and returns how many.
func (s *routeBalance) park(n int64) int64 {
	n = min(n, s.missed)
	s.missed -= n
	s.parked += n
	return n
}

// offset sets the unrouted against the routes.
func offset(routes []routeBalance) {
	i := slices.IndexFunc(routes, func(s routeBalance) bool { return s.route == "" })
	if i < 0 {
		return
	}
	unrouted := &routes[i]
	for j := range routes {
		r := &routes[j]
		if r == unrouted {
			continue
		}
		n := min(r.missed, unrouted.surplus)
		r.missed, unrouted.surplus = r.missed-n, unrouted.surplus-n
		n = min(unrouted.missed, r.surplus)
		unrouted.missed -= n
	}
}

// routeAudit shares a route's open events out, so that the sum is right whatever lies in the queues besides.
func routeAudit(r ledger.RouteTotals, s routeBalance, d queueCounts) broker.RouteAudit {
	open := r.Open - s.missed
	share := func(n int64) int64 {
		n = min(n, open)
		open -= n
		return n
	}
	return broker.RouteAudit{
		Route: s.route, Accepted: r.Accepted, Done: r.Done, Discarded: r.Discarded, Extra: r.Extra,
		Unaccounted: s.missed,
		Dead:        share(d.dead[s.route]),
		Running:     share(r.Running),
		Retrying:    share(s.parked),
		Waiting:     open,
	}
}

func sources(t ledger.Totals) []broker.SourceAudit {
	list := []broker.SourceAudit{}
	add := func(name string) {
		s := t.Sources[name]
		rejected := maps.Clone(s.Counts)
		delete(rejected, broker.CountReceived)
		delete(rejected, broker.CountDuplicate)
		list = append(list, broker.SourceAudit{
			Source: name, Received: s.Counts[broker.CountReceived], Rejected: rejected,
			Duplicate: s.Counts[broker.CountDuplicate], Spooled: t.Spooled[name],
			Accepted: s.Accepted, Unrouted: s.Unrouted,
		})
	}
	for name := range t.Sources {
		add(name)
	}
	for name := range t.Spooled {
		if _, ok := t.Sources[name]; !ok {
			add(name)
		}
	}
	slices.SortFunc(list, func(a, b broker.SourceAudit) int { return cmp.Compare(a.Source, b.Source) })
	return list
}
