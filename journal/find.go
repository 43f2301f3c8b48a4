package journal

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// maxScanned is the number of events that one page looks through at most.
	maxScanned = 20_000
	// maxRead is the number of bodies that one page reads at most, to look for phrases.
	maxRead = 1_000
)

// scan finds the numbers of events, in steps.
type scan struct {
	from   string     // source of the numbers, with a column seq
	source conditions // of from
	event  conditions // of each event
	order  string
	query  query
}

// find returns the numbers of the events of a page, the newest first, and the next cursor.
func (s *Store) find(ctx context.Context, tx *sql.Tx, f Filter, p Page) (seqs []int64, next string, err error) {
	low, high, err := bounds(ctx, tx, f, p)
	if err != nil {
		return nil, "", err
	}
	q := parseQuery(f.Text)
	if err := q.bound(ctx, tx); err != nil {
		return nil, "", err
	}
	sc := newScan(f, q, p.After != "")
	limit, at, more := p.limit(), int64(0), true
	for read := 0; more && len(seqs) <= limit && read < maxRead; {
		var found []int64
		found, at, more, err = sc.step(ctx, tx, low, high, limit+1-len(seqs))
		if err != nil {
			return nil, "", err
		}
		if len(sc.query.phrases) > 0 {
			read += max(len(found), 1)
			if found, err = s.withPhrases(ctx, tx, &sc.query, found); err != nil {
				return nil, "", err
			}
		}
		seqs = append(seqs, found...)
		if p.After != "" {
			low = at
		} else {
			high = at
		}
		if len(sc.query.phrases) == 0 && (len(seqs) <= limit) {
			break // it looked through maxScanned events, or all
		}
	}
	if len(seqs) > limit {
		seqs, more = seqs[:limit], true
		at = seqs[limit-1]
	}
	if p.After != "" {
		slices.Reverse(seqs)
		if at == 0 { // nothing is newer
			return seqs, p.After, nil
		}
		return seqs, cursor(at), nil
	}
	if !more {
		return seqs, "", nil
	}
	return seqs, cursor(at), nil
}

// bounds returns the numbers between which the events of a page are, both excluded.
func bounds(ctx context.Context, tx *sql.Tx, f Filter, p Page) (low, high int64, err error) {
	low, high = 0, math.MaxInt64
	if p.Before != "" {
		high, err = parseCursor(p.Before)
	}
	if p.After != "" && err == nil {
		low, err = parseCursor(p.After)
	}
	if err != nil {
		return 0, 0, err
	}
	if !f.From.IsZero() {
		var first int64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(min(first), ?) FROM minute WHERE minute >= ?", int64(math.MaxInt64), f.From.UnixMilli()/minute).Scan(&first); err != nil {
			return 0, 0, explain(err)
		}
		low = max(low, first-1)
	}
	if !f.To.IsZero() {
		var last int64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(last), 0) FROM minute WHERE minute <= ?", f.To.UnixMilli()/minute).Scan(&last); err != nil {
			return 0, 0, explain(err)
		}
		high = min(high, last+1)
	}
	return low, high, nil
}

const (
	routeID   = "(SELECT id FROM name WHERE text = ?)"
	patternID = "(SELECT id FROM pattern WHERE text = ?)"
)

// newScan chooses the source of the numbers: the index that leaves out most.
func newScan(f Filter, q query, forward bool) *scan {
	sc := &scan{order: "DESC", query: q}
	if forward {
		sc.order = "ASC"
	}
	state := f.State.number()
	if !sc.query.empty() || f.Route == "" && f.Pattern == "" && state <= 0 && (f.Source != "" || f.Action != "") {
		sc.from = "text"
		sc.query.narrow(f)
		sc.source.add("text MATCH ?", sc.query.match())
	}
	if f.Source != "" {
		sc.event.add("e.source = "+routeID, f.Source)
	}
	if f.Action != "" {
		sc.event.add("e.action = "+routeID, f.Action)
	}
	if !f.From.IsZero() {
		sc.event.add("e.time >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		sc.event.add("e.time < ?", f.To.UnixMilli())
	}
	if f.State != "" && f.Route == "" {
		sc.event.add("e.state = ?", state)
	}
	if f.Route != "" || f.Pattern != "" {
		of := deliveryConditions(f)
		of.add("x.seq = e.seq")
		sc.event.add("EXISTS (SELECT 1 FROM delivery x"+of.where()+")", of.args...)
	}
	switch {
	case sc.from != "":
	case f.Route != "" || f.Pattern != "":
		sc.from = "delivery x"
		sc.source = deliveryConditions(f)
	case state > 0:
		sc.from = "event"
		sc.source.add("state > 0")
		sc.source.add("state = ?", state)
	default:
		sc.from = "event"
	}
	return sc
}

// deliveryConditions are those on the delivery x that a filter with a route or a pattern chooses. An index needs the ones without arguments.
func deliveryConditions(f Filter) (c conditions) {
	if f.Route != "" {
		c.add("x.route = "+routeID, f.Route)
		if f.State != "" {
			c.add("x.state = ?", f.State.number())
		}
		if f.State.number() > 0 {
			c.add("x.state > 0")
		}
	}
	if f.Pattern != "" {
		c.add("x.pattern > 0")
		c.add("x.pattern = "+patternID, f.Pattern)
	}
	return c
}

// step returns up to limit numbers between two others, the number up to which it has looked, and whether there can be more.
func (sc *scan) step(ctx context.Context, tx *sql.Tx, low, high int64, limit int) (seqs []int64, at int64, more bool, err error) {
	column := "seq"
	if sc.from == "text" {
		column = "rowid"
	}
	source := sc.source
	source.text = slices.Clone(source.text)
	source.add(column+" > ?", low)
	source.add(column+" < ?", high)
	distinct := ""
	if strings.HasPrefix(sc.from, "delivery") {
		distinct = "DISTINCT " // an event can have an error on several routes
	}
	inner := fmt.Sprintf("SELECT %s%s AS seq FROM %s%s ORDER BY %s %s LIMIT %d", distinct, column, sc.from, source.where(), column, sc.order, maxScanned)
	args := slices.Concat(source.args, sc.event.args)
	found, err := tx.QueryContext(ctx, "SELECT e.seq FROM ("+inner+") d CROSS JOIN event e ON e.seq = d.seq"+sc.event.where()+fmt.Sprintf(" LIMIT %d", limit), args...)
	if err != nil {
		return nil, 0, false, explain(err)
	}
	defer found.Close()
	for found.Next() {
		if err := found.Scan(&at); err != nil {
			return nil, 0, false, explain(err)
		}
		seqs = append(seqs, at)
	}
	if err := found.Err(); err != nil {
		return nil, 0, false, explain(err)
	}
	if len(seqs) >= limit {
		return seqs, at, true, nil
	}
	edge := "min(seq)"
	if sc.order == "ASC" {
		edge = "max(seq)"
	}
	var n int
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT count(*), "+edge+" FROM ("+inner+")", source.args...).Scan(&n, &last); err != nil {
		return nil, 0, false, explain(err)
	}
	return seqs, last.Int64, n == maxScanned, nil
}

// withPhrases returns the events whose text has the phrases of a search.
func (s *Store) withPhrases(ctx context.Context, tx *sql.Tx, q *query, seqs []int64) (kept []int64, err error) {
	for _, seq := range seqs {
		d, err := s.detail(ctx, tx, seq)
		if err != nil {
			return nil, err
		}
		if q.matches(d.Key.ID, d.Key.Source+" "+d.Key.Action, bodyText(d.Data), errorText(d.Ended)) {
			kept = append(kept, seq)
		}
	}
	return kept, nil
}
