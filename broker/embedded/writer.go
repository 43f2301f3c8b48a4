package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hookline/hookline/broker"
)

const (
	// maxBatch is the largest number of operations that share a transaction, and so an fsync.
	maxBatch = 256
	pageSize = 4096 // SQLite's default
)

// op is one change. Its answer comes after its transaction is on the disk, or has failed.
type op struct {
	size   int64                    // about the bytes of a new event; 0 for a change of a stored event
	apply  func(*transaction) error // is called again after its transaction failed
	answer chan error
}

func newOp(size int64, apply func(*transaction) error) *op {
	return &op{size, apply, make(chan error, 1)}
}

// writer owns the one connection that writes. Its goroutine commits all waiting operations together: the more operations wait, the more
// of them share an fsync.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	sql        statements
	ops        chan *op
	stop       chan struct{}
	done       chan struct{}
	seq        int64 // of the newest event that it stored; only its goroutine uses it
	counts     pendingCounts
	duplicates *duplicates // nil: duplicates are stored
	files      openFiles
	log        logSize
	room       int64 // size of the file in bytes at which new events are refused
	failed     atomic.Bool
	damage     atomic.Pointer[error] // found in the file: new events are refused; nil: none
}

// openWriter opens the connection that writes, and upgrades the schema from the version found. Call run next.
func openWriter(ctx context.Context, path string, cfg Config, found int) (_ *writer, err error) {
	db, err := openDB(path, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", fmt.Sprintf("journal_size_limit(%d)", MaxLog),
		fmt.Sprintf("max_page_count(%d)", cfg.MaxBytes/pageSize))
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, room: cfg.MaxBytes / 16 * 15,
		ops: make(chan *op), stop: make(chan struct{}), done: make(chan struct{}), log: logSize{path: logPath(path)},
	}
	if w.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(explain(err), db.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(explain(err), closeAll(w.sql.all()), w.conn.Close(), db.Close())
		}
	}()
	if found < version {
		if err = upgrade(ctx, w.conn, found); err != nil {
			return nil, err
		}
	}
	if cfg.Duplicates > 0 {
		if w.duplicates, err = loadDuplicates(ctx, w.conn, cfg); err != nil {
			return nil, err
		}
	}
	if err = prepare(ctx, w.conn, w.sql.all()); err != nil {
		return nil, err
	}
	if w.files, err = newOpenFiles(path); err != nil {
		return nil, err
	}
	return w, nil
}

// do waits until o is on the disk. If ctx ends before the writer has taken o, o is not applied. If ctx ends later, the error is
// broker.ErrUnknown.
func (w *writer) do(ctx context.Context, o *op) error {
	select {
	case w.ops <- o:
	case <-w.stop:
		return fmt.Errorf("%w: it is closed", broker.ErrDown)
	case <-ctx.Done():
		return fmt.Errorf("the disk is too slow: %w", ctx.Err())
	}
	select {
	case err := <-o.answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", broker.ErrUnknown, ctx.Err())
	}
}

// run commits operations until it is stopped, and answers all that it has taken. Without an operation it commits counts once in
// countPause, so that many refused requests cost the disk no more than that.
func (w *writer) run() {
	defer close(w.done)
	count := time.NewTicker(countPause)
	defer count.Stop()
	batch := make([]*op, 0, maxBatch)
	for {
		batch = batch[:0]
		select {
		case o := <-w.ops:
			batch = append(batch, o)
		case <-count.C:
		case <-w.stop:
			_ = w.transact(nil) // counts only: nobody waits for them
			return
		}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case o := <-w.ops:
				batch = append(batch, o)
			default:
				more = false
			}
		}
		w.commit(batch)
	}
}

// commit applies a batch in one transaction. If that fails, it applies each operation in a transaction of its own, so that none fails
// because of another. If another process locks the database, all of them fail.
func (w *writer) commit(batch []*op) {
	batch = w.admit(batch)
	err := w.transact(batch)
	if err != nil && len(batch) > 1 && code(err) != sqlite3.SQLITE_BUSY {
		for _, o := range batch {
			w.answer([]*op{o}, w.transact([]*op{o}))
		}
		return
	}
	w.answer(batch, err)
}

// answer answers a batch. The file can have been removed since the batch was admitted: then no new event is stored.
func (w *writer) answer(batch []*op, err error) {
	gone := err
	if err == nil {
		gone = w.files.check()
	}
	for _, o := range batch {
		if o.size > 0 {
			o.answer <- gone
		} else {
			o.answer <- err
		}
	}
}

// admit refuses new events for which there is no room, and returns the rest.
func (w *writer) admit(batch []*op) []*op {
	var largest int64
	for _, o := range batch {
		largest = max(largest, o.size)
	}
	if largest == 0 {
		return batch
	}
	free, why := w.free(largest)
	admitted := batch[:0]
	for _, o := range batch {
		if o.size > 0 && o.size > free {
			o.answer <- why
			continue
		}
		free -= o.size
		admitted = append(admitted, o)
	}
	return admitted
}

// transact applies a batch and the counts. All of it is on the disk when transact returns nil, and none of it after an error.
func (w *writer) transact(batch []*op) error {
	counted := w.counts.take()
	if len(batch) == 0 && len(counted) == 0 {
		return nil
	}
	err := w.try(batch, counted)
	if err != nil {
		for t, n := range counted {
			w.counts.add(t, n)
		}
		// SQLite has already rolled back after some errors; then this statement fails without harm.
		_, _ = w.sql.rollback.ExecContext(context.Background())
		err = refused(err)
	}
	w.failed.Store(err != nil && code(err) != sqlite3.SQLITE_FULL)
	return err
}

func (w *writer) try(batch []*op, counted map[tally]int64) error {
	tx := &transaction{sql: &w.sql, seq: w.seq, tallies: map[tally]int64{}, sources: map[tally]int64{}, duplicates: w.duplicates, events: map[broker.Fingerprint]time.Time{}}
	maps.Copy(tx.sources, counted)
	if _, err := tx.exec(w.sql.begin); err != nil {
		return err
	}
	for _, o := range batch {
		if err := o.apply(tx); err != nil {
			return err
		}
	}
	if err := tx.write(); err != nil {
		return err
	}
	if _, err := tx.exec(w.sql.commit); err != nil {
		return err
	}
	w.seq = tx.seq
	w.duplicates.add(tx.events)
	return nil
}

// connected returns 1 if the last transaction reached the disk and the file is still there, otherwise and after close 0.
func (w *writer) connected() float64 {
	select {
	case <-w.stop:
		return 0
	default:
	}
	if w.failed.Load() || w.files.check() != nil {
		return 0
	}
	return 1
}

// pause waits for d, and reports whether the writer still runs.
func (w *writer) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.stop:
		return false
	}
}

// close stops the writer and closes the connection. Call it once.
func (w *writer) close() error {
	close(w.stop)
	<-w.done
	return errors.Join(closeAll(w.sql.all()), w.conn.Close(), w.db.Close())
}
