package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// writer owns the one connection that writes. Its user makes sure that one call is in progress at a time.
type writer struct {
	cfg  Config
	path string
	info os.FileInfo // of the file when it was opened
	db   *sql.DB
	conn *sql.Conn
	sql  statements

	names, patterns names
	pack            *packer
	seq             int64 // of the newest event
}

// statements are the prepared statements of the writer.
type statements struct {
	begin, commit, rollback       *sql.Stmt
	findName, storeName           *sql.Stmt
	findEvent, attempts, body     *sql.Stmt
	addEvent, setEvent, fillEvent *sql.Stmt
	addBody, addAttempt           *sql.Stmt
	findDelivery, setDelivery     *sql.Stmt
	index                         *sql.Stmt
	findPattern, storePattern     *sql.Stmt
	minute, hour, failure         *sql.Stmt
	extendGap, addGap, trimGaps   *sql.Stmt
	addDictionary                 *sql.Stmt

	eventNames, routes                                                  *sql.Stmt
	removeDelivery, removeAttempts, removeBody, removeText, removeEvent *sql.Stmt
	batch, setBatch                                                     *sql.Stmt
	progress, setProgress                                               *sql.Stmt
}

// statement is a variable for a prepared statement, and its text.
type statement struct {
	stmt **sql.Stmt
	text string
}

func (s *statements) all() []statement {
	return []statement{
		{&s.begin, `BEGIN IMMEDIATE`},
		{&s.commit, `COMMIT`},
		{&s.rollback, `ROLLBACK`},
		{&s.findName, `SELECT id FROM name WHERE text = ?`},
		{&s.storeName, `INSERT INTO name (text) VALUES (?)`},
		{&s.findEvent, `SELECT seq, state, attempts, size FROM event INDEXED BY event_time WHERE time = ? AND id = ? AND source = ? AND action = ?`},
		{&s.attempts, attemptColumns + `attempt a` + attemptJoins + `WHERE a.seq = ? ORDER BY n`},
		{&s.body, `SELECT dictionary, data FROM body WHERE seq = ?`},
		{&s.addEvent, `INSERT INTO event (seq, id, source, action, time, state, attempts, size, content_type, secret, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.setEvent, `UPDATE event SET state = ?, attempts = ? WHERE seq = ?`},
		{&s.fillEvent, `UPDATE event SET size = ?, content_type = ?, secret = ?, process = ? WHERE seq = ?`},
		{&s.addBody, `INSERT INTO body (seq, dictionary, data) VALUES (?, ?, ?)`},
		{&s.addAttempt, `INSERT INTO attempt (seq, n, route, number, start, duration, outcome, reason, process, next, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.findPattern, `SELECT id FROM pattern WHERE text = ?`},
		{&s.storePattern, `INSERT INTO pattern (text) VALUES (?)`},
		{&s.hour, `INSERT INTO hour (hour, source, route, outcome, n, last) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n, last = max(last, excluded.last)`},
		{&s.failure, failureSQL},
		{&s.extendGap, `UPDATE gap SET last = max(last, ?4), lost = lost + ?5
			WHERE seq = (SELECT max(seq) FROM gap WHERE process = ?1 AND why = ?2) AND last >= ?3 - 60000`},
		{&s.addGap, `INSERT INTO gap (process, why, first, last, lost) VALUES (?, ?, ?, ?, ?)`},
		{&s.trimGaps, `DELETE FROM gap WHERE seq <= (SELECT max(seq) FROM gap) - 1000`},
		{&s.addDictionary, `INSERT INTO dictionary (id, data) VALUES (?, ?)`},
		{&s.eventNames, `SELECT source, action FROM event WHERE seq = ?`},
		{&s.routes, `SELECT a.route, d.state, d.pattern FROM (SELECT DISTINCT route FROM attempt WHERE seq = ?1) a CROSS JOIN delivery d ON d.route = a.route AND d.seq = ?1`},
		{&s.removeDelivery, `DELETE FROM delivery WHERE route = ? AND seq = ?`},
		{&s.removeAttempts, `DELETE FROM attempt WHERE seq = ?`},
		{&s.removeBody, `DELETE FROM body WHERE seq = ?`},
		{&s.removeText, `DELETE FROM text WHERE rowid = ?`},
		{&s.removeEvent, `DELETE FROM event WHERE seq = ?`},
		{&s.findDelivery, `SELECT state, pattern FROM delivery WHERE route = ? AND seq = ?`},
		{&s.setDelivery, `INSERT INTO delivery (route, seq, state, pattern) VALUES (?, ?, ?, ?)
			ON CONFLICT (route, seq) DO UPDATE SET state = excluded.state, pattern = excluded.pattern`},
		{&s.index, `INSERT OR REPLACE INTO text (rowid, id, key, body, error) VALUES (?, ?, ?, ?, ?)`},
		{&s.minute, `INSERT INTO minute (minute, first, last) VALUES (?, ?, ?)
			ON CONFLICT (minute) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)`},
		{&s.batch, `SELECT number, at FROM process WHERE name = ?`},
		{&s.setBatch, `INSERT INTO process (name, number, at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET number = excluded.number, at = excluded.at`},
		{&s.progress, `SELECT stream FROM progress`},
		{&s.setProgress, `UPDATE progress SET stream = ?, direct = ?, at = ?`},
	}
}

// exec runs a prepared statement of the writer. Only a whole transaction is given up, so no context ends one of its statements.
func exec(stmt *sql.Stmt, args ...any) (sql.Result, error) {
	return stmt.ExecContext(context.Background(), args...)
}

// queryRow runs a prepared query for one row, as exec.
func queryRow(stmt *sql.Stmt, args ...any) *sql.Row {
	return stmt.QueryRowContext(context.Background(), args...)
}

// queryRows runs a prepared query, as exec.
func queryRows(stmt *sql.Stmt, args ...any) (*sql.Rows, error) {
	return stmt.QueryContext(context.Background(), args...)
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

// remove returns the statements that remove an event from the journal, except for its deliveries.
func (s *statements) remove() []*sql.Stmt {
	return []*sql.Stmt{s.removeAttempts, s.removeBody, s.removeText, s.removeEvent}
}

// openWriter opens the connection that writes, and upgrades the schema from the version found.
func openWriter(path string, read *sql.DB, cfg Config, found int) (_ *writer, err error) {
	ctx := context.Background()
	w := &writer{cfg: cfg, path: path}
	defer func() {
		if err != nil {
			err = errors.Join(explain(err), w.close())
		}
	}()
	if w.db, err = openDB(path, "journal_mode(WAL)", "synchronous(NORMAL)", "secure_delete(ON)", "journal_size_limit(67108864)"); err != nil {
		return nil, err
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return nil, err
	}
	if found < version {
		if err = upgrade(ctx, w.conn, found); err != nil {
			return nil, err
		}
	}
	if err = prepare(ctx, w.conn, w.sql.all()); err != nil {
		return nil, err
	}
	if err = w.conn.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM event").Scan(&w.seq); err != nil {
		return nil, err
	}
	if w.pack, err = openPacker(read, w.sql.addDictionary); err != nil {
		return nil, err
	}
	w.names, w.patterns = names{find: w.sql.findName, store: w.sql.storeName}, names{find: w.sql.findPattern, store: w.sql.storePattern}
	w.names.forget()
	w.patterns.forget()
	if err = w.noteUncleanStop(); err != nil {
		return nil, err
	}
	w.info, err = os.Stat(path)
	return w, err
}

// transact runs do in a transaction. After an error nothing of it is in the file.
func (w *writer) transact(do func() error) error {
	if err := w.present(); err != nil {
		return err
	}
	_, err := exec(w.sql.begin)
	if err == nil {
		if err = do(); err == nil {
			_, err = exec(w.sql.commit)
		}
	}
	if err != nil {
		// SQLite has already rolled back after some errors; then this statement fails without harm.
		_, _ = exec(w.sql.rollback)
		w.names.forget()
		w.patterns.forget()
		return explain(errors.Join(err, w.pack.load()))
	}
	return w.present()
}

// present returns ErrRemoved if the path leads to another file now, or to none: commits then go to a file without a name.
func (w *writer) present() error {
	now, err := os.Stat(w.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRemoved, err)
	}
	if !os.SameFile(now, w.info) {
		return fmt.Errorf("%w: %s", ErrRemoved, w.path)
	}
	return nil
}

func (w *writer) close() error {
	errs := []error{closeAll(w.sql.all())}
	if w.info != nil && w.present() == nil {
		_, err := w.conn.ExecContext(context.Background(), "UPDATE progress SET direct = 0")
		errs = append(errs, explain(err))
	}
	if w.pack != nil {
		w.pack.close()
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	return errors.Join(errs...)
}
