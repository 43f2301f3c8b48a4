package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hookline/hookline/broker"
)

const (
	// maxBatch is how many operations share a transaction, and with it an fsync.
	maxBatch = 256
	pageSize = 4096 // SQLite's default
)

// op is one change. It is answered after its transaction is on the disk, or has failed.
type op struct {
	size   int64                    // about the bytes that a new event takes; 0 for what happens to an old one
	apply  func(*transaction) error // may be called again if the transaction failed
	answer chan error
}

func newOp(size int64, apply func(*transaction) error) *op {
	return &op{size, apply, make(chan error, 1)}
}

// writer owns the one connection that writes. Its goroutine takes whatever waits and commits it together: the more
// there is to do, the more of it shares an fsync.
type writer struct {
	db     *sql.DB
	conn   *sql.Conn
	sql    statements
	ops    chan *op
	stop   chan struct{}
	done   chan struct{}
	seq    int64 // of the newest event; only its goroutine uses it
	counts counts
	seen   *seen // nil: repeats are not looked for
	room   int64 // bytes up to which new events are taken
	failed atomic.Bool
	damage atomic.Pointer[error] // nil: none was found. No new events are taken
}

// openWriter opens the writing connection and brings the schema up from the version found. It writes once run is called.
func openWriter(ctx context.Context, path string, cfg Config, found int) (_ *writer, err error) {
	db, err := openDB(path, "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)",
		fmt.Sprintf("max_page_count(%d)", cfg.MaxBytes/pageSize))
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, room: cfg.MaxBytes / 16 * 15,
		ops: make(chan *op), stop: make(chan struct{}), done: make(chan struct{}),
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
		if w.seen, err = loadSeen(ctx, w.conn, cfg); err != nil {
			return nil, err
		}
	}
	if err = w.conn.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM event").Scan(&w.seq); err != nil {
		return nil, err
	}
	if err = prepare(ctx, w.conn, w.sql.all()); err != nil {
		return nil, err
	}
	return w, nil
}

// do waits until o is on the disk. When ctx ends before the writer has taken o, nothing happens to it; when it ends
// later, the error is broker.ErrUnknown.
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

// run commits until it is stopped. What it has taken it answers. Counts that no batch takes along get a transaction of
// their own, so that requests that are refused cost the disk no more than one in countPause, however many they are.
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
			_ = w.transact(nil) // of counts only: nobody waits for them
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

// commit carries out a batch in one transaction. If that fails, each operation gets one of its own, so that none
// fails for another; not so when another process keeps the database, which holds for all of them.
func (w *writer) commit(batch []*op) {
	batch = w.admit(batch)
	err := w.transact(batch)
	if err != nil && len(batch) > 1 && code(err) != sqlite3.SQLITE_BUSY {
		for _, o := range batch {
			o.answer <- w.transact([]*op{o})
		}
		return
	}
	for _, o := range batch {
		o.answer <- err
	}
}

// admit answers the new events that cannot be taken, and returns the rest.
func (w *writer) admit(batch []*op) []*op {
	if !slices.ContainsFunc(batch, func(o *op) bool { return o.size > 0 }) {
		return batch
	}
	free, why := w.free()
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

// free is how many bytes of new events can be taken, and why not more.
func (w *writer) free() (int64, error) {
	if damage := w.damage.Load(); damage != nil {
		return 0, fmt.Errorf("%w: %w", broker.ErrRefused, *damage)
	}
	var used int64
	if err := w.sql.used.QueryRowContext(context.Background()).Scan(&used); err != nil {
		used = 0 // the transaction will say what is wrong
	}
	return w.room - used*pageSize, fmt.Errorf("%w: the database has its full size; let the workers empty it, discard dead letters or raise its limit", broker.ErrBlocked)
}

// transact carries out a batch: all of it is on the disk when it returns nil, and nothing otherwise.
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
		// SQLite has rolled back by itself after some errors; then this one fails, and may.
		_, _ = w.sql.rollback.ExecContext(context.Background())
		err = refused(err)
	}
	w.failed.Store(err != nil && code(err) != sqlite3.SQLITE_FULL)
	return err
}

func (w *writer) try(batch []*op, counted map[tally]int64) error {
	tx := &transaction{sql: &w.sql, seq: w.seq, tallies: map[tally]int64{}, sources: map[tally]int64{}, seen: w.seen, marks: map[broker.Fingerprint]time.Time{}}
	maps.Copy(tx.sources, counted)
	if _, err := tx.exec(w.sql.begin); err != nil {
		return err
	}
	for _, o := range batch {
		if err := o.apply(tx); err != nil {
			return err
		}
	}
	if err := errors.Join(tx.write(w.sql.tally, tx.tallies), tx.write(w.sql.sourceTally, tx.sources), tx.writeMarks()); err != nil {
		return err
	}
	if _, err := tx.exec(w.sql.commit); err != nil {
		return err
	}
	w.seq = tx.seq
	w.seen.add(tx.marks)
	return nil
}

// connected is 1 if the last transaction reached the disk, and 0 if not or after the end.
func (w *writer) connected() float64 {
	select {
	case <-w.stop:
		return 0
	default:
	}
	if w.failed.Load() {
		return 0
	}
	return 1
}

// pause waits for d, and tells whether the writer still runs then.
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

// close stops the writer and closes the connection. Nobody may call it twice.
func (w *writer) close() error {
	close(w.stop)
	<-w.done
	return errors.Join(closeAll(w.sql.all()), w.conn.Close(), w.db.Close())
}
