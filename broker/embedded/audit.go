package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
)

// auditQuery reads all numbers in one statement, and so at one moment.
const auditQuery = `
SELECT 'since' AS kind, '' AS name, '' AS what, since AS n, 0 AS later FROM counting
UNION ALL SELECT 'source', source, what, n, 0 FROM source_tally
UNION ALL SELECT 'route', route, what, n, 0 FROM tally
UNION ALL SELECT 'route', route, state, n, later FROM (` + countQuery + `)
UNION ALL SELECT 'route', d.route, 'running', count(*), 0
	FROM json_each(?) h CROSS JOIN delivery d ON d.state = 'work' AND (d.route, d.at, d.seq) = (h.value->>0, h.value->>1, h.value->>2) GROUP BY d.route`

// States of work in auditQuery only.
const (
	stateRetry   = "retry"   // its time has not come
	stateRunning = "running" // a worker handles it
)

// numbers are counts of routes or of sources, by name and kind.
type numbers map[string]map[string]int64

func (n numbers) set(name, kind string, value int64) {
	if n[name] == nil {
		n[name] = map[string]int64{}
	}
	if kind != "" {
		n[name][kind] = value
	}
}

// auditor implements broker.Auditor.
type auditor struct {
	queries *queries
	cfg     Config
}

// Audit compares, for each route and at one moment, the number of stored events with the numbers of events that are in the database, done
// and discarded. So it detects rows that were lost by a person, a disk or an error of this program. Unaccounted events stay so. It
// counts one by one. Deliveries of a crashed process are running until the next process handles them.
//
// Counts of routes begin with the file, counts of sources with Audit.Since: later if an earlier Hookline made the file.
func (a auditor) Audit(ctx context.Context) (broker.Audit, error) {
	audit := broker.Audit{Sources: []broker.SourceAudit{}}
	fail := func(err error) (broker.Audit, error) {
		return broker.Audit{}, fmt.Errorf("audit the broker: %w", explain(err))
	}
	sources, routes := numbers{}, numbers{}
	routes.set(broker.Unrouted, "", 0)
	for _, r := range a.cfg.Routes {
		routes.set(r.Name, "", 0)
	}
	running, err := a.running()
	if err != nil {
		return fail(err)
	}
	found, err := a.queries.audit.QueryContext(ctx, time.Now().UnixMilli(), running)
	if err != nil {
		return fail(err)
	}
	defer found.Close()
	for found.Next() {
		var of, name, kind string
		var n, later int64
		if err := found.Scan(&of, &name, &kind, &n, &later); err != nil {
			return fail(err)
		}
		switch of {
		case "since":
			audit.Since = time.UnixMilli(n).UTC()
		case "source":
			sources.set(name, kind, n)
		case "route":
			routes.set(name, kind, n-later)
			if later > 0 {
				routes.set(name, stateRetry, later)
			}
		}
	}
	if err := found.Err(); err != nil {
		return fail(err)
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		audit.Sources = append(audit.Sources, auditSource(name, sources[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		r := auditRoute(name, routes[name])
		configured := name == broker.Unrouted || slices.ContainsFunc(a.cfg.Routes, func(c broker.Route) bool { return c.Name == name })
		r.LeftOver = !configured && r.Waiting+r.Running+r.Retrying+r.Dead > 0
		audit.Routes = append(audit.Routes, r)
		audit.Unaccounted += r.Unaccounted
	}
	return audit, nil
}

// Acknowledge does nothing: the counts are in the file of the events, and begin with it.
func (a auditor) Acknowledge(context.Context) error { return nil }

// running returns the deliveries that the broker's process handles, as a JSON list of [route, at, seq].
func (a auditor) running() (string, error) {
	text, err := os.ReadFile(markerPath(a.cfg.Path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the running deliveries: %w", err)
	}
	list := [][3]any{}
	for p, handled := range markerLines(text) {
		if handled {
			list = append(list, [3]any{p.route, p.at, p.seq})
		}
	}
	encoded, err := json.Marshal(list)
	return string(encoded), err
}

func auditSource(name string, n map[string]int64) broker.SourceAudit {
	s := broker.SourceAudit{Source: name, Rejected: map[string]int64{}}
	for kind, count := range n {
		switch kind {
		case broker.CountReceived:
			s.Received = count
		case broker.CountDuplicate:
			s.Duplicate = count
		case tallyAccepted:
			s.Accepted = count
		case tallyUnrouted:
			s.Unrouted = count
		default:
			s.Rejected[kind] = count
		}
	}
	return s
}

func auditRoute(name string, n map[string]int64) broker.RouteAudit {
	running := min(n[stateRunning], n[stateWork])
	r := broker.RouteAudit{
		Route: name, Accepted: n[tallyStored], Waiting: n[stateWork] - running + n[stateUnrouted], Running: running,
		Retrying: n[stateRetry], Done: n[tallyDone], Dead: n[stateDead], Discarded: n[tallyDiscarded],
	}
	rest := r.Accepted - r.Waiting - r.Running - r.Retrying - r.Done - r.Dead - r.Discarded
	r.Unaccounted, r.Extra = max(rest, 0), max(-rest, 0)
	return r
}
