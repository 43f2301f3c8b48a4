package rabbitmq

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// queueCounts are the numbers of messages in the queues. The route "" stands for the unrouted queue.
type queueCounts struct {
	work, dead map[string]int64 // by route
	delayed    int64            // in the delay queues, of all routes
}

// routeBalance compares the ledger's open events of a route with its queues and the held deliveries.
type routeBalance struct {
	route            string
	missing, surplus int64
	retrying         int64 // events in the delay queues, as the ledger says
	delayed          int64 // missing events that were found in the delay queues
}

// auditReport compares the ledger with the queues.
//
// The delay queues belong to all routes. Their messages are first matched with the routes that have retrying events in the
// ledger, then with any missing events. If a binding is missing, or was made by hand, an event is in another queue than the ledger
// says: so surplus unrouted events make up for events missing at a route, and the other way round.
func auditReport(t ledger.Totals, counts queueCounts) broker.Audit {
	names := slices.Sorted(maps.Keys(counts.work))
	balances := make([]routeBalance, len(names))
	for i, name := range names {
		r := t.Routes[name]
		n := r.OpenAtMark - (counts.work[name] + counts.dead[name] + r.Held)
		balances[i] = routeBalance{route: name, missing: max(0, n), surplus: max(0, -n), retrying: r.Retrying}
	}
	delayed := counts.delayed
	for i := range balances {
		delayed -= balances[i].findDelayed(min(delayed, balances[i].retrying))
	}
	for i := range balances {
		delayed -= balances[i].findDelayed(delayed)
	}
	offsetUnrouted(balances)

	a := broker.Audit{Since: t.Since, Anew: t.Anew, Newer: t.Newer, Sources: sourceAudits(t), Routes: []broker.RouteAudit{}}
	for _, b := range balances {
		r := routeAudit(t.Routes[b.route], b, counts)
		a.Routes = append(a.Routes, r)
		a.Unaccounted += r.Unaccounted
	}
	return a
}

// findDelayed matches up to n messages of the delay queues with missing events, and returns how many.
func (b *routeBalance) findDelayed(n int64) int64 {
	n = min(n, b.missing)
	b.missing -= n
	b.delayed += n
	return n
}

// offsetUnrouted sets surplus unrouted events against missing ones of the routes, and the other way round.
func offsetUnrouted(balances []routeBalance) {
	i := slices.IndexFunc(balances, func(b routeBalance) bool { return b.route == "" })
	if i < 0 {
		return
	}
	unrouted := &balances[i]
	for j := range balances {
		b := &balances[j]
		if b == unrouted {
			continue
		}
		n := min(b.missing, unrouted.surplus)
		b.missing, unrouted.surplus = b.missing-n, unrouted.surplus-n
		n = min(unrouted.missing, b.surplus)
		unrouted.missing -= n
	}
}

// routeAudit divides a route's open events, so that the sum is right also if its queues hold other messages.
func routeAudit(r ledger.RouteTotals, b routeBalance, counts queueCounts) broker.RouteAudit {
	open := r.Open - b.missing
	take := func(n int64) int64 {
		n = min(n, open)
		open -= n
		return n
	}
	return broker.RouteAudit{
		Route: b.route, Accepted: r.Accepted, Done: r.Done, Discarded: r.Discarded, Extra: r.Extra,
		Uncounted: r.Uncounted, Unaccounted: b.missing + r.Lost,
		Dead:     take(counts.dead[b.route]),
		Running:  take(r.Running),
		Retrying: take(b.delayed),
		Waiting:  open,
	}
}

func sourceAudits(t ledger.Totals) []broker.SourceAudit {
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
