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
	cfg   Config
	path  string
	info  os.FileInfo // of the file when it was opened
	db    *sql.DB
	conn  *sql.Conn
	sql   statements
	names names
	pack  *packer
	seq   int64 // of the newest event
}

// statements are the prepared statements of the writer.
type statements struct {
	begin, commit, rollback       *sql.Stmt
	findName, storeName           *sql.Stmt
	findEvent, attempts, body     *sql.Stmt
	addEvent, setEvent, fillEvent *sql.Stmt
	addBody, addAttempt           *sql.Stmt
	setDelivery, index            *sql.Stmt
	minute                        *sql.Stmt
	batch, setBatch               *sql.Stmt
	progress, setProgress         *sql.Stmt
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
		{&s.findEvent, `SELECT seq, state, attempts, size FROM event WHERE time = ? AND id = ? AND source = ? AND action = ?`},
		{&s.attempts, `SELECT r.text, number, start, duration, o.text, reason.text, p.text, next, error FROM attempt
			JOIN name r ON r.id = route JOIN name o ON o.id = outcome JOIN name reason ON reason.id = reason JOIN name p ON p.id = process
			WHERE seq = ? ORDER BY n`},
		{&s.body, `SELECT dictionary, data FROM body WHERE seq = ?`},
		{&s.addEvent, `INSERT INTO event (seq, id, source, action, time, state, attempts, size, content_type, secret, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.setEvent, `UPDATE event SET state = ?, attempts = ? WHERE seq = ?`},
		{&s.fillEvent, `UPDATE event SET size = ?, content_type = ?, secret = ?, process = ? WHERE seq = ?`},
		{&s.addBody, `INSERT INTO body (seq, dictionary, data) VALUES (?, ?, ?)`},
		{&s.addAttempt, `INSERT INTO attempt (seq, n, route, number, start, duration, outcome, reason, process, next, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.setDelivery, `INSERT INTO delivery (route, seq, state, pattern) VALUES (?, ?, ?, ?)
			ON CONFLICT (route, seq) DO UPDATE SET state = excluded.state, pattern = excluded.pattern`},
		{&s.index, `INSERT OR REPLACE INTO text (rowid, id, key, body, error) VALUES (?, ?, ?, ?, ?)`},
		{&s.minute, `INSERT INTO minute (minute, first, last) VALUES (?, ?, ?)
			ON CONFLICT (minute) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)`},
		{&s.batch, `SELECT number, at FROM process WHERE name = ?`},
		{&s.setBatch, `INSERT INTO process (name, number, at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET number = excluded.number, at = excluded.at`},
		{&s.progress, `SELECT stream FROM progress`},
		{&s.setProgress, `UPDATE progress SET stream = ?`},
	}
}

// openWriter opens the connection that writes, and upgrades the schema from the version found.
func openWriter(path string, cfg Config, found int) (_ *writer, err error) {
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
	for _, p := range w.sql.all() {
		if *p.stmt, err = w.conn.PrepareContext(ctx, p.text); err != nil {
			return nil, fmt.Errorf("prepare %q: %w", p.text, err)
		}
	}
	if err = w.conn.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM event").Scan(&w.seq); err != nil {
		return nil, err
	}
	if w.pack, err = newPacker(); err != nil {
		return nil, err
	}
	w.names = names{find: w.sql.findName, store: w.sql.storeName}
	w.names.forget()
	w.info, err = os.Stat(path)
	return w, err
}

// transact runs do in a transaction. After an error nothing of it is in the file.
func (w *writer) transact(do func() error) error {
	if err := w.present(); err != nil {
		return err
	}
	_, err := w.sql.begin.Exec()
	if err == nil {
		if err = do(); err == nil {
			_, err = w.sql.commit.Exec()
		}
	}
	if err != nil {
		// SQLite has already rolled back after some errors; then this statement fails without harm.
		_, _ = w.sql.rollback.Exec()
		w.names.forget()
		return explain(err)
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
	var errs []error
	for _, p := range w.sql.all() {
		if *p.stmt != nil {
			errs = append(errs, (*p.stmt).Close())
		}
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	return errors.Join(errs...)
}
