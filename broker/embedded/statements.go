package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// statements are the prepared statements of the writer.
type statements struct {
	begin, commit, rollback *sql.Stmt
	used                    *sql.Stmt
	probe                   *sql.Stmt
	latest                  *sql.Stmt // event
	event, delivery         *sql.Stmt // insert
	fail, postpone          *sql.Stmt
	replay, remove          *sql.Stmt
	forget                  *sql.Stmt // an event without deliveries
	moveToUnrouted, clear   *sql.Stmt // the events of a route
	tally, sourceTally      *sql.Stmt
	seen, unsee             *sql.Stmt
	pause, resume           *sql.Stmt
}

// usedPages reads the number of pages in use.
const usedPages = `SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count`

func (s *statements) all() []statement {
	return []statement{
		{&s.begin, `BEGIN IMMEDIATE`},
		{&s.commit, `COMMIT`},
		{&s.rollback, `ROLLBACK`},
		{&s.used, usedPages},
		{&s.probe, `UPDATE counting SET since = since`},
		{&s.latest, `SELECT coalesce(max(seq), 0) FROM event`},
		{&s.event, `INSERT INTO event (seq, id, source, action, time, content_type, header, data, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.delivery, `INSERT INTO delivery (state, route, at, seq, event_id) VALUES (?, ?, 0, ?, ?)`},
		{&s.fail, `UPDATE delivery SET state = ?1, at = ?2, attempts = attempts + 1, reason = ?3,
			first_error = iif(attempts = 0, ?4, first_error), last_error = ?4,
			event_id = iif(?1 = 'dead', (SELECT id FROM event WHERE event.seq = delivery.seq), '')
			WHERE state = 'work' AND route = ?5 AND at = ?6 AND seq = ?7`},
		{&s.postpone, `UPDATE delivery SET at = ? WHERE state = 'work' AND route = ? AND at = ? AND seq = ?`},
		{&s.replay, `UPDATE delivery SET state = 'work', at = 0, attempts = 0, reason = '', first_error = '', last_error = '', event_id = ''
			WHERE state = 'dead' AND route = ? AND at = ? AND seq = ?`},
		{&s.remove, `DELETE FROM delivery WHERE state = ? AND route = ? AND at = ? AND seq = ?`},
		{&s.forget, `DELETE FROM event WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE seq = ?1)`},
		{&s.moveToUnrouted, `INSERT OR IGNORE INTO delivery (state, route, at, seq, event_id)
			SELECT 'unrouted', '', 0, d.seq, e.id FROM delivery d JOIN event e ON e.seq = d.seq WHERE d.state IN ('work', 'dead') AND d.route = ?`},
		{&s.clear, `DELETE FROM delivery WHERE state IN ('work', 'dead') AND route = ?`},
		{&s.tally, `INSERT INTO tally (route, what, n) VALUES (?, ?, ?) ON CONFLICT (route, what) DO UPDATE SET n = n + excluded.n`},
		{&s.sourceTally, `INSERT INTO source_tally (source, what, n) VALUES (?, ?, ?) ON CONFLICT (source, what) DO UPDATE SET n = n + excluded.n`},
		{&s.seen, `INSERT INTO seen (at, marks) VALUES (?, ?)`},
		{&s.unsee, `DELETE FROM seen WHERE at < ?`},
		{&s.pause, `INSERT OR REPLACE INTO pause (route, person, why, since) VALUES (?, ?, ?, ?)`},
		{&s.resume, `DELETE FROM pause WHERE route = ?`},
	}
}

// statement is a variable for a prepared statement, and its text.
type statement struct {
	stmt **sql.Stmt
	text string
}

// preparer is a database or one of its connections.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func prepare(ctx context.Context, db preparer, all []statement) (err error) {
	for _, p := range all {
		if *p.stmt, err = db.PrepareContext(ctx, p.text); err != nil { //nolint:sqlclosecheck // closeAll closes it
			return fmt.Errorf("prepare %q: %w", p.text, explain(err))
		}
	}
	return nil
}

// closeAll closes the prepared statements.
func closeAll(all []statement) error {
	var errs []error
	for _, p := range all {
		if *p.stmt != nil {
			errs = append(errs, (*p.stmt).Close())
		}
	}
	return errors.Join(errs...)
}
