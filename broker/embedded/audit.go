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

// auditQuery reads all numbers in one statement, which sees the database as it is at one moment.
const auditQuery = `
SELECT 'since' AS kind, '' AS name, '' AS what, since AS n, 0 AS later FROM counting
UNION ALL SELECT 'source', source, what, n, 0 FROM source_tally
UNION ALL SELECT 'route', route, what, n, 0 FROM tally
UNION ALL SELECT 'route', route, state, n, later FROM (` + countQuery + `)
UNION ALL SELECT 'route', d.route, 'running', count(*), 0
	FROM json_each(?) h CROSS JOIN delivery d ON d.state = 'work' AND (d.route, d.at, d.seq) = (h.value->>0, h.value->>1, h.value->>2) GROUP BY d.route`

// The states of work in auditQuery only: its time has not come, and somebody has it in hand.
const (
	stateRetry   = "retry"
	stateRunning = "running"
)

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
// disk or an error of this program took away; what is unaccounted stays so. It counts one by one. What a process died with
// is running until the next one takes it up.
//
// Routes have been counted since the file was made, sources since Audit.Since: later if the file is of an earlier Hookline.
func (s *store) Audit(ctx context.Context) (broker.Audit, error) {
	a := broker.Audit{Sources: []broker.SourceAudit{}}
	sources, routes := numbers{}, numbers{}
	routes.set("", "", 0)
	for _, r := range s.cfg.Routes {
		routes.set(r.Name, "", 0)
	}
	inHand, err := s.inHand()
	if err != nil {
		return a, err
	}
	found, err := s.queries.audit.QueryContext(ctx, time.Now().UnixMilli(), inHand)
	if err != nil {
		return a, fmt.Errorf("audit the line: %w", explain(err))
	}
	defer found.Close()
	for found.Next() {
		var kind, name, what string
		var n, later int64
		if err := found.Scan(&kind, &name, &what, &n, &later); err != nil {
			return a, fmt.Errorf("audit the line: %w", explain(err))
		}
		switch kind {
		case "since":
			a.Since = time.UnixMilli(n).UTC()
		case "source":
			sources.set(name, what, n)
		case "route":
			routes.set(name, what, n-later)
			if later > 0 {
				routes.set(name, stateRetry, later)
			}
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

// inHand is a JSON list of what the process that runs the line handles, each as [route, at, seq].
func (s *store) inHand() (string, error) {
	text, err := os.ReadFile(handPath(s.cfg.Path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read what is being handled: %w", err)
	}
	list := [][3]any{}
	for p, handled := range handLines(text) {
		if handled {
			list = append(list, [3]any{p.route, p.at, p.seq})
		}
	}
	encoded, err := json.Marshal(list)
	return string(encoded), err
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
	running := min(n[stateRunning], n[stateWork])
	r := broker.RouteAudit{
		Route: name, Accepted: n[tallyStored], Waiting: n[stateWork] - running + n[stateUnrouted], Running: running,
		Retrying: n[stateRetry], Done: n[tallyDone], Dead: n[stateDead], Discarded: n[tallyDiscarded],
	}
	rest := r.Accepted - r.Waiting - r.Running - r.Retrying - r.Done - r.Dead - r.Discarded
	r.Unaccounted, r.Extra = max(rest, 0), max(-rest, 0)
	return r
}
