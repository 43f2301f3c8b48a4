package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/errorpattern"
)

const (
	// growing is the time for which a group counts as growing after its last new event.
	growing = 10 * time.Minute
	// maxPattern bounds the length of a pattern in bytes.
	maxPattern = 300
	// maxPatterns bounds the number of patterns. Errors of more patterns are one group.
	maxPatterns = 10_000
	otherErrors = "other errors"
)

// Group is the events whose last attempts on a route failed with errors that are alike.
type Group struct {
	Route          string
	Pattern        string // of the errors: see pkg/errorpattern
	Source, Action string // of all its events; empty if they differ
	Failing, Dead  int64  // events that are in it now
	Joined         int64  // events that have ever come into it
	First, Last    time.Time
	Growing        bool   // an event came into it in the last 10 minutes
	Reason, Error  string // of one of its last attempts
	Sample         int64  // number of the event of Error
}

// failureKey is shared by the events of a row of failure.
type failureKey struct{ route, pattern, source, action int64 }

// failureChange is the change of a row of failure.
type failureChange struct {
	failing, dead, joined   int64
	first, last, lastJoined int64
	reason                  int64
	sample                  int64
	error                   string
}

const failureSQL = `INSERT INTO failure (route, pattern, source, action, failing, dead, joined, first, last, last_joined, reason, sample, error)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET failing = failing + excluded.failing, dead = dead + excluded.dead, joined = joined + excluded.joined,
		first = iif(excluded.first = 0, first, min(first, excluded.first)), last_joined = max(last_joined, excluded.last_joined),
		reason = iif(excluded.last >= last, excluded.reason, reason), sample = iif(excluded.last >= last, excluded.sample, sample),
		error = iif(excluded.last >= last, excluded.error, error), last = max(last, excluded.last)`

// writeDelivery writes the state of an event on a route, and updates the groups.
func (t *transaction) writeDelivery(e *entry, now RouteState) error {
	route, err := t.names.id(now.Route)
	if err != nil {
		return err
	}
	before, wasPattern := -1, int64(0)
	if len(e.before) > 0 {
		if err := queryRow(t.sql.findDelivery, route, e.seq).Scan(&before, &wasPattern); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	pattern := int64(0)
	if now.State.failed() {
		if pattern, err = t.pattern(now); err != nil {
			return err
		}
		if err := t.fail(e, failureKey{route, pattern, e.source, e.action}, now, wasPattern != pattern); err != nil {
			return err
		}
	}
	t.leave(failureKey{route, wasPattern, e.source, e.action}, before)
	if before == now.State.number() && wasPattern == pattern {
		return nil
	}
	_, err = exec(t.sql.setDelivery, route, e.seq, now.State.number(), pattern)
	return err
}

// pattern returns the number of the pattern of a failed attempt's error.
func (t *transaction) pattern(r RouteState) (int64, error) {
	text := cmp.Or(errorpattern.Of(r.Error[:min(len(r.Error), maxPattern)]), r.Reason, "no text")
	id, err := t.patterns.id(strings.ToValidUTF8(text, "\uFFFD"))
	if err == nil && id > maxPatterns {
		return t.patterns.id(otherErrors)
	}
	return id, err
}

func (t *transaction) failure(k failureKey) *failureChange {
	if t.failures[k] == nil {
		t.failures[k] = &failureChange{}
	}
	return t.failures[k]
}

// fail counts an event into its group.
func (t *transaction) fail(e *entry, k failureKey, now RouteState, joins bool) (err error) {
	c, at := t.failure(k), now.Last.UnixMilli()
	if now.State == StateDead {
		c.dead++
	} else {
		c.failing++
	}
	if joins {
		c.joined++
		c.lastJoined = max(c.lastJoined, at)
	}
	if c.first == 0 || at < c.first {
		c.first = at
	}
	if at >= c.last {
		c.last, c.sample, c.error = at, e.seq, now.Error
		c.reason, err = t.names.id(now.Reason)
	}
	return err
}

// leave takes an event out of the group in which it was.
func (t *transaction) leave(k failureKey, before int) {
	switch stateOf(before) {
	case StateFailing:
		t.failure(k).failing--
	case StateDead:
		t.failure(k).dead--
	}
}

func (t *transaction) writeFailure(k failureKey, c *failureChange) error {
	_, err := exec(t.sql.failure, k.route, k.pattern, k.source, k.action, c.failing, c.dead, c.joined, c.first, c.last, c.lastJoined, c.reason, c.sample, c.error)
	return err
}

// Groups returns the groups that have an event now, the largest first, at most 1,000. A filter chooses groups by their source, action, route,
// pattern and state, and by the time of their last failure; its text is part of an error, in upper or lower case.
func (s *Store) Groups(ctx context.Context, f Filter) (groups []Group, err error) {
	var c conditions
	c.add("failing + dead > 0")
	for _, by := range []struct{ text, column, id string }{{f.Source, "source", routeID}, {f.Action, "action", routeID}, {f.Route, "route", routeID}, {f.Pattern, "pattern", patternID}} {
		if by.text != "" {
			c.add(by.column+" = "+by.id, by.text)
		}
	}
	switch f.State {
	case StateFailing:
		c.add("failing > 0")
	case StateDead:
		c.add("dead > 0")
	case "":
	default:
		return nil, nil // other events have not failed
	}
	if !f.From.IsZero() {
		c.add("last >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		c.add("last < ?", f.To.UnixMilli())
	}
	if f.Text != "" {
		c.add("(instr(lower(error), lower(?)) OR pattern IN (SELECT id FROM pattern WHERE instr(lower(text), lower(?))))", f.Text, f.Text)
	}
	found, err := s.read.QueryContext(ctx, `SELECT r.text, p.text, iif(one_source, s.text, ''), iif(one_action, a.text, ''), failing, dead, joined, first, last, last_joined, reason.text, error, sample
		FROM (SELECT route, pattern, source, action, min(source) = max(source) AS one_source, min(action) = max(action) AS one_action, sum(failing) AS failing, sum(dead) AS dead,
			sum(joined) AS joined, min(first) AS first, max(last) AS last, max(last_joined) AS last_joined, reason, error, sample FROM failure`+c.where()+` GROUP BY route, pattern) f
		CROSS JOIN name r ON r.id = f.route CROSS JOIN pattern p ON p.id = f.pattern CROSS JOIN name s ON s.id = f.source CROSS JOIN name a ON a.id = f.action
		CROSS JOIN name reason ON reason.id = f.reason ORDER BY failing + dead DESC, last DESC LIMIT 1000`, c.args...)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var g Group
		var first, last, joined int64
		if err := found.Scan(&g.Route, &g.Pattern, &g.Source, &g.Action, &g.Failing, &g.Dead, &g.Joined, &first, &last, &joined, &g.Reason, &g.Error, &g.Sample); err != nil {
			return nil, explain(err)
		}
		g.First, g.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		g.Growing = time.Since(time.UnixMilli(joined)) < growing
		groups = append(groups, g)
	}
	return groups, explain(found.Err())
}

// Joined returns how many events have ever failed on a route for a pattern (empty: for any), also in groups that have no event now, and when
// the last attempt of one failed (zero: none).
func (s *Store) Joined(ctx context.Context, route, pattern string) (n int64, last time.Time, err error) {
	var c conditions
	c.add("route = "+routeID, route)
	if pattern != "" {
		c.add("pattern = "+patternID, pattern)
	}
	var at int64
	err = s.read.QueryRowContext(ctx, "SELECT coalesce(sum(joined), 0), coalesce(max(last), 0) FROM failure"+c.where(), c.args...).Scan(&n, &at)
	if err != nil || at == 0 {
		return n, last, explain(err)
	}
	return n, time.UnixMilli(at).UTC(), nil
}
