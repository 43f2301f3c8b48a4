package rabbitmq

import (
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

func TestAuditReport(t *testing.T) {
	t.Parallel()
	waits := func(n int64) ledger.RouteTotals { return ledger.RouteTotals{Accepted: n, Open: n, OpenAtMark: n} }
	retries := func(n, retrying int64) ledger.RouteTotals {
		r := waits(n)
		r.Retrying = retrying
		return r
	}
	for name, c := range map[string]struct {
		totals     map[string]ledger.RouteTotals
		work, dead map[string]int64
		delayed    int64
		want       []broker.RouteAudit // "", a, b
	}{
		"nothing missing": {map[string]ledger.RouteTotals{"a": {Accepted: 9, Done: 2, Discarded: 1, Open: 6, OpenAtMark: 6, Retrying: 1, Held: 2, Running: 1}},
			map[string]int64{"a": 2}, map[string]int64{"a": 1}, 1,
			[]broker.RouteAudit{{}, {Accepted: 9, Done: 2, Discarded: 1, Waiting: 3, Running: 1, Retrying: 1, Dead: 1}, {}}},
		"some missing": {map[string]ledger.RouteTotals{"a": waits(5)}, map[string]int64{"a": 2}, nil, 0,
			[]broker.RouteAudit{{}, {Accepted: 5, Waiting: 2, Unaccounted: 3}, {}}},
		"a new event need not be found": {map[string]ledger.RouteTotals{"a": {Accepted: 5, Open: 5, OpenAtMark: 2}}, map[string]int64{"a": 2}, nil, 0,
			[]broker.RouteAudit{{}, {Accepted: 5, Waiting: 5}, {}}},
		"surplus": {map[string]ledger.RouteTotals{"a": waits(1)}, map[string]int64{"a": 2}, map[string]int64{"a": 1}, 0,
			[]broker.RouteAudit{{}, {Accepted: 1, Dead: 1, Surplus: 2}, {}}},
		"a surplus of one route hides nothing of another": {map[string]ledger.RouteTotals{"a": waits(1), "b": waits(1)}, map[string]int64{"a": 2}, nil, 0,
			[]broker.RouteAudit{{}, {Accepted: 1, Waiting: 1, Surplus: 1}, {Accepted: 1, Unaccounted: 1}}},
		"the delay queues hold the retrying events of the ledger": {map[string]ledger.RouteTotals{"a": waits(2), "b": retries(2, 2)}, nil, nil, 2,
			[]broker.RouteAudit{{}, {Accepted: 2, Unaccounted: 2}, {Accepted: 2, Retrying: 2}}},
		"the delay queues hold other missing events": {map[string]ledger.RouteTotals{"a": waits(2), "b": retries(2, 1)}, nil, nil, 4,
			[]broker.RouteAudit{{}, {Accepted: 2, Retrying: 2}, {Accepted: 2, Retrying: 2}}},
		"a surplus of a route hides no missing unrouted event": {map[string]ledger.RouteTotals{"": waits(3)}, map[string]int64{"": 1, "a": 2}, nil, 0,
			[]broker.RouteAudit{{Accepted: 3, Waiting: 1, Unaccounted: 2}, {Surplus: 2}, {}}},
		"events that are counted by number": {map[string]ledger.RouteTotals{"a": {Accepted: 9, Done: 1, Open: 8, OpenAtMark: 7, Unkeyed: 5}},
			map[string]int64{"a": 4}, nil, 0,
			[]broker.RouteAudit{{}, {Accepted: 9, Done: 1, Waiting: 5, Unaccounted: 3, Unkeyed: 5}, {}}},
		"a missing binding": {map[string]ledger.RouteTotals{"a": waits(2), "b": waits(2)}, map[string]int64{"": 3}, nil, 0,
			[]broker.RouteAudit{{}, {Accepted: 2, Waiting: 2, InUnrouted: 2}, {Accepted: 2, Waiting: 1, InUnrouted: 1, Unaccounted: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counts := queueCounts{work: map[string]int64{"": 0, "a": 0, "b": 0}, dead: c.dead, delayed: c.delayed}
			for route, n := range c.work {
				counts.work[route] = n
			}
			a := auditReport(ledger.Totals{Routes: c.totals}, counts)
			var missing int64
			for i, route := range []string{"", "a", "b"} {
				want := c.want[i]
				want.Route = route
				missing += want.Unaccounted
				if i >= len(a.Routes) || a.Routes[i] != want {
					t.Errorf("%+v, want %+v", a.Routes, want)
				}
			}
			if a.Unaccounted != missing {
				t.Errorf("%d unaccounted, want %d", a.Unaccounted, missing)
			}
		})
	}
}
