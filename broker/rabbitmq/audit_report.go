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
	leftOver   map[string]bool  // routes that have queues, and that the configuration lacks
	delayed    int64            // in the delay queues, of all routes
	undeclared []broker.UndeclaredQueue
}

// routeBalance compares the ledger's open events of a route with its queues and the held deliveries.
type routeBalance struct {
	route            string
	missing, surplus int64
	retrying         int64 // events in the delay queues, as the ledger says
	delayed          int64 // missing events that were found in the delay queues
	inUnrouted       int64 // missing events that were found in the unrouted queue
	undeclared       int64 // missing events that match the patterns of undeclared queues
	taken            int64 // events of an external route that are in no queue
}

// auditReport compares the ledger with the queues.
//
// The delay queues belong to all routes. Their messages are first matched with the routes that have retrying events in the
// ledger, then with any missing events. A surplus at one route makes up for nothing that is missing at
// another. Only the unrouted queue can: RabbitMQ stores an event there while a binding or an exchange is missing.
func auditReport(t ledger.Totals, counts queueCounts) broker.Audit {
	names := slices.Sorted(maps.Keys(counts.work))
	balances := make([]routeBalance, len(names))
	for i, name := range names {
		r := t.Routes[name]
		n := r.OpenAtMark - (counts.work[name] + counts.dead[name] + r.Held)
		balances[i] = routeBalance{route: name, missing: max(0, n), surplus: max(0, -n), retrying: r.Retrying}
		balances[i].findTaken(r)
	}
	delayed := counts.delayed
	for i := range balances {
		delayed -= balances[i].findDelayed(min(delayed, balances[i].retrying))
	}
	for i := range balances {
		delayed -= balances[i].findDelayed(delayed)
	}

	findUnrouted(balances)
	findUndeclared(balances, t, counts.undeclared)
	a := broker.Audit{Since: t.Since, Anew: t.Anew, Newer: t.Newer, Sources: sourceAudits(t), Routes: []broker.RouteAudit{}, Undeclared: counts.undeclared}
	for _, b := range balances {
		r := routeAudit(t.Routes[b.route], b, counts)
		a.Routes = append(a.Routes, r)
		a.Unaccounted += r.Unaccounted
	}
	a.Spools = spoolAudits(t)
	for _, s := range a.Spools {
		a.Unaccounted += s.Unaccounted
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

// findTaken matches the events of an external route with surplus messages. Its consumer has taken the others.
func (b *routeBalance) findTaken(r ledger.RouteTotals) {
	b.taken = min(r.Unfinished, max(0, r.UnfinishedAtMark-b.surplus))
	b.surplus = max(0, b.surplus-r.Unfinished)
}

// findUnrouted matches surplus messages of the unrouted queue with missing events.
func findUnrouted(balances []routeBalance) {
	i := slices.IndexFunc(balances, func(b routeBalance) bool { return b.route == broker.Unrouted })
	if i < 0 {
		return
	}
	for j := range balances {
		if j == i {
			continue
		}
		n := min(balances[j].missing, balances[i].surplus)
		balances[j].missing, balances[j].inUnrouted = balances[j].missing-n, n
		balances[i].surplus -= n
	}
}

// findUndeclared matches missing unrouted events with the patterns of queues that no configuration declares. Unrouted events that are
// counted by number may match each.
func findUndeclared(balances []routeBalance, t ledger.Totals, queues []broker.UndeclaredQueue) {
	i := slices.IndexFunc(balances, func(b routeBalance) bool { return b.route == broker.Unrouted })
	if i < 0 || len(queues) == 0 {
		return
	}
	var routes []broker.Route
	for _, q := range queues {
		routes = append(routes, broker.Route{Name: q.Queue, Match: q.Patterns})
	}
	matcher, matching := broker.NewMatcher(routes), t.Routes[broker.Unrouted].Unkeyed
	for key, n := range t.Unrouted {
		if matcher.Match(key) != nil {
			matching += n
		}
	}
	n := min(balances[i].missing, matching)
	balances[i].missing, balances[i].undeclared = balances[i].missing-n, n
}

// routeAudit divides a route's open events, so that the sum is right also if its queues hold other messages.
func routeAudit(r ledger.RouteTotals, b routeBalance, counts queueCounts) broker.RouteAudit {
	open := r.Open - b.missing - b.undeclared + r.Unfinished - b.taken
	take := func(n int64) int64 {
		n = min(n, open)
		open -= n
		return n
	}
	dead, running, retrying := take(counts.dead[b.route]), take(r.Running), take(b.delayed)
	return broker.RouteAudit{
		Route: b.route, Accepted: r.Accepted, Done: r.Done, Discarded: r.Discarded, Extra: r.Extra,
		Uncounted: r.Uncounted, Unaccounted: b.missing + r.Lost, Surplus: b.surplus, LeftOver: counts.leftOver[b.route],
		External: r.External, Taken: b.taken, Undeclared: b.undeclared, Unkeyed: r.Unkeyed,
		Dead: dead, Running: running, Retrying: retrying, Waiting: open, InUnrouted: min(open, b.inUnrouted),
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

func spoolAudits(t ledger.Totals) []broker.SpoolAudit {
	list := []broker.SpoolAudit{}
	for _, s := range t.Spools {
		found := broker.SpoolAudit{Spool: s.Spool, SpoolCounts: broker.SpoolCounts(s.SpoolCounts), Unaccounted: s.Unaccounted()}
		if !s.SilentSince.IsZero() {
			found.SilentSince = &s.SilentSince
		}
		list = append(list, found)
	}
	slices.SortFunc(list, func(a, b broker.SpoolAudit) int { return cmp.Compare(a.Spool, b.Spool) })
	return list
}
