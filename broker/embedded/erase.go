package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/hookline/hookline/broker"
)

// Discard implements broker.Undelivered. Afterwards no file has the bytes of the events: SQLite overwrites deleted rows, and the
// write-ahead log, which has copies of them, is emptied.
func (s *store) Discard(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	n, err := s.undelivered.Discard(ctx, route, pick)
	if n > 0 {
		err = errors.Join(err, s.emptyLog(context.WithoutCancel(ctx)))
	}
	return n, err
}

// Erase implements broker.Eraser. Afterwards no file has the bytes of the removed events, as after Discard. A delivery whose handler runs
// is removed, too: nothing of it is left when the handler ends.
func (s *store) Erase(ctx context.Context, pick func(broker.StoredDelivery) bool) (removed int, err error) {
	queues, err := s.fileQueues(ctx)
	if err != nil {
		return 0, err
	}
	for q := range queues {
		n, eraseErr := s.change(ctx, q, func(r row) bool { return pick(r.stored(q.state)) }, func(tx *transaction, r row) (int64, error) {
			return tx.remove(q.state, r.place, tallyDiscarded)
		})
		removed += n
		if err = eraseErr; err != nil {
			break
		}
	}
	if removed > 0 {
		err = errors.Join(err, s.emptyLog(context.WithoutCancel(ctx)))
	}
	return removed, err
}

// emptyLog moves the write-ahead log into the database. It fails if a reader keeps it from that for busyTimeout.
func (s *store) emptyLog(ctx context.Context) error {
	var busy, frames, moved int
	err := s.write.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	if err == nil && busy != 0 {
		err = errors.New("a program has the database open for reading: end it, and start any process of Hookline on it")
	}
	if err != nil {
		return fmt.Errorf("the events are removed, but their bytes stay in %s for now: %w", logPath(s.cfg.Path), explain(err))
	}
	return nil
}
