package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// maxRows and maxRowBytes bound one read by rows; the event that exceeds the bytes is read whole. So a route reads ahead
	// twice the bytes and one event at most: for retries, and for first attempts.
	maxRows     = 128
	maxRowBytes = broker.MaxPageBytes
)

// queries are the prepared statements that read.
type queries struct {
	ready, due, undelivered, undeliveredByID, lastUndelivered, count, oldest, oldestUnrefused, size, sources, audit, pauses *sql.Stmt
}

const (
	eventColumns = `e.id, e.source, e.action, e.time, e.content_type, e.header, e.data`
	columns      = `SELECT d.at, d.seq, d.attempts, d.reason, d.first_error, d.last_error, ` + eventColumns + `
		FROM delivery d CROSS JOIN event e ON e.seq = d.seq `
)

// countQuery reads the whole primary key in order. It sums up later work, because grouping by it would sort all rows and take ten times
// as long.
const countQuery = `SELECT state, route, count(*) AS n, sum(state = 'work' AND at > ?) AS later FROM delivery GROUP BY state, route`

func (q *queries) all() []statement {
	return []statement{
		{&q.ready, columns + `WHERE d.state = 'work' AND d.route = ? AND d.at BETWEEN ? AND ?
			AND d.seq NOT IN (SELECT value FROM json_each(?)) ORDER BY d.at, d.seq LIMIT ?`},
		{&q.due, `SELECT min(at) FROM delivery WHERE state = 'work' AND route = ? AND at > ?`},
		{&q.undelivered, columns + `WHERE d.route = ? AND d.state = ? AND (d.at, d.seq) > (?, ?) AND (d.at, d.seq) <= (?, ?)
			ORDER BY d.at, d.seq LIMIT ?`},
		{&q.undeliveredByID, columns + `WHERE d.route = ? AND d.state = ? AND d.event_id = ? AND d.event_id <> '' AND (d.at, d.seq) > (?, ?)
			ORDER BY d.at, d.seq`},
		{&q.lastUndelivered, `SELECT at, seq FROM delivery WHERE route = ? AND state = ? ORDER BY at DESC, seq DESC LIMIT 1`},
		{&q.count, countQuery},
		{&q.oldest, `SELECT coalesce((SELECT time FROM event e
			WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.seq = e.seq AND d.state = 'work') ORDER BY seq LIMIT 1), -1)`},
		{&q.oldestUnrefused, `SELECT coalesce((SELECT e.time FROM delivery d CROSS JOIN event e ON e.seq = d.seq
			WHERE d.state = 'work' AND d.route = ? AND d.reason <> 'refused' ORDER BY d.at, d.seq LIMIT 1), -1)`},
		{&q.size, `SELECT (SELECT count(*) FROM delivery WHERE state = 'work'), (SELECT count(*) FROM delivery WHERE state = 'dead'),
			page_count - freelist_count FROM pragma_page_count, pragma_freelist_count`},
		{&q.sources, `SELECT source, count(*) FROM event GROUP BY source`},
		{&q.audit, auditQuery},
		{&q.pauses, `SELECT route, person, why, since FROM pause`},
	}
}

// row is a delivery with its event.
type row struct {
	place
	attempts                      int
	reason, firstError, lastError string
	event                         event.Event
}

// rows runs a statement that begins with columns. It stops early at maxRowBytes; then whole is false.
func rows(ctx context.Context, stmt *sql.Stmt, route string, args ...any) (read []row, whole bool, err error) {
	found, err := stmt.QueryContext(ctx, append([]any{route}, args...)...)
	if err != nil {
		return nil, false, explain(err)
	}
	defer found.Close()
	for bytes := 0; found.Next(); {
		r := row{place: place{route: route}}
		if r.event, err = scanEvent(found, &r.at, &r.seq, &r.attempts, &r.reason, &r.firstError, &r.lastError); err != nil {
			return nil, false, err
		}
		read = append(read, r)
		if bytes += len(r.event.Data); bytes >= maxRowBytes {
			return read, false, nil
		}
	}
	return read, true, explain(found.Err())
}

// scanEvent scans the columns before eventColumns into before, and returns the event.
func scanEvent(found *sql.Rows, before ...any) (e event.Event, err error) {
	var millis int64
	var header string
	if err := found.Scan(append(before, &e.ID, &e.Source, &e.Action, &millis, &e.ContentType, &header, &e.Data)...); err != nil {
		return e, explain(err)
	}
	e.Time = time.UnixMilli(millis).UTC()
	if e.Header, err = parseHeader(header); err != nil {
		return e, fmt.Errorf("event %s: %w", e.ID, err)
	}
	return e, nil
}
