package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hookline/hookline/pkg/broker"
)

// auditQuery reads all numbers in one statement, which sees the database as it is at one moment. A delivery without its
// event cannot be delivered, so it is not counted.
const auditQuery = `
SELECT 'since' AS kind, '' AS name, '' AS what, since FROM counting
UNION ALL SELECT 'source', source, what, n FROM source_tally
UNION ALL SELECT 'route', route, what, n FROM tally
UNION ALL SELECT 'route', route, iif(state = 'work' AND at > ?, 'retry', state), count(*)
	FROM delivery d WHERE EXISTS (SELECT 1 FROM event e WHERE e.seq = d.seq) GROUP BY 2, 3`

// stateRetry is, in auditQuery only, that of work whose time has not come.
const stateRetry = "retry"

// numbers are what was counted of routes or sources, by name and what it is.
type numbers map[string]map[string]int64

func (n numbers) set(name, what string, value int64) {
	if n[name] == nil {
		n[name] = map[string]int64{}
	}
	if what != "" {
		n[name][what] = value
	}
}

// Audit compares what was stored for each route with what is there, done and discarded, at one moment. It sees what a hand, a
// disk or an error of this program took away; what is unaccounted stays so. It counts one by one.
//
// Routes have been counted since the file was made, sources since Audit.Since: later if the file is of an earlier Hookline.
func (s *store) Audit(ctx context.Context) (broker.Audit, error) {
	a := broker.Audit{Sources: []broker.SourceAudit{}}
	sources, routes := numbers{}, numbers{}
	routes.set("", "", 0)
	for _, r := range s.cfg.Routes {
		routes.set(r.Name, "", 0)
	}
	found, err := s.queries.audit.QueryContext(ctx, time.Now().UnixMilli())
	if err != nil {
		return a, fmt.Errorf("audit the line: %w", explain(err))
	}
	defer found.Close()
	for found.Next() {
		var kind, name, what string
		var n int64
		if err := found.Scan(&kind, &name, &what, &n); err != nil {
			return a, fmt.Errorf("audit the line: %w", explain(err))
		}
		switch kind {
		case "since":
			a.Since = time.UnixMilli(n).UTC()
		case "source":
			sources.set(name, what, n)
		case "route":
			routes.set(name, what, n)
		}
	}
	if err := found.Err(); err != nil {
		return a, fmt.Errorf("audit the line: %w", explain(err))
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		a.Sources = append(a.Sources, auditSource(name, sources[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		r := auditRoute(name, routes[name])
		a.Routes = append(a.Routes, r)
		a.Unaccounted += r.Unaccounted
	}
	return a, nil
}

func auditSource(name string, n map[string]int64) broker.SourceAudit {
	s := broker.SourceAudit{Source: name, Rejected: map[string]int64{}}
	for what, count := range n {
		switch what {
		case broker.CountReceived:
			s.Received = count
		case broker.CountDuplicate:
			s.Duplicate = count
		case tallyAccepted:
			s.Accepted = count
		case tallyUnrouted:
			s.Unrouted = count
		default:
			s.Rejected[what] = count
		}
	}
	return s
}

func auditRoute(name string, n map[string]int64) broker.RouteAudit {
	r := broker.RouteAudit{
		Route: name, Accepted: n[tallyStored], Waiting: n[stateWork] + n[stateUnrouted], Retrying: n[stateRetry],
		Dead: n[stateDead], Done: n[tallyDone], Discarded: n[tallyDiscarded],
	}
	rest := r.Accepted - r.Waiting - r.Retrying - r.Dead - r.Done - r.Discarded
	r.Unaccounted, r.Extra = max(rest, 0), max(-rest, 0)
	return r
}
