package journal

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	// removedAtOnce is the number of events that one transaction removes: records wait for it some 20 ms.
	removedAtOnce = 100
	// trimPause is the time between two looks for events to remove.
	trimPause = 10 * time.Second
	// pause is the time that a removal leaves to records between two transactions.
	pause = 10 * time.Millisecond
)

// Run removes old events until ctx ends, as Config.Keep, Config.MaxBytes and SourceConfig.Keep say. It logs its errors.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(trimPause)
	defer tick.Stop()
	for {
		if _, err := s.Trim(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.log.Error("old events of the journal were not removed", zap.Error(err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Trim removes the events that are too old at a time, and the oldest ones of a file that is too large. It works in small steps, between which
// records are stored. It returns the number of removed events.
func (s *Store) Trim(ctx context.Context, now time.Time) (removed int, err error) {
	for {
		n, err := s.trimStep(ctx, now)
		if removed += n; err != nil {
			return removed, fmt.Errorf("remove old events of the journal: %w", err)
		}
		if n == 0 {
			break
		}
		if err := wait(ctx, pause); err != nil {
			return removed, err
		}
	}
	if removed == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return removed, s.write.transact(s.write.trimSums)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) trimStep(ctx context.Context, now time.Time) (int, error) {
	seqs, err := s.expired(ctx, now)
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	if err := s.remove(seqs); err != nil {
		return 0, err
	}
	s.metrics.removed.Add(float64(len(seqs)))
	return len(seqs), nil
}

// expired returns some events to be removed.
func (s *Store) expired(ctx context.Context, now time.Time) (seqs []int64, err error) {
	if s.cfg.Keep > 0 {
		seqs, err = s.numbers(ctx, "SELECT seq FROM event WHERE time < ? ORDER BY time LIMIT ?", now.Add(-s.cfg.Keep).UnixMilli(), removedAtOnce)
	}
	for name, source := range s.cfg.Sources {
		if len(seqs) == 0 && err == nil && source.Keep > 0 {
			q := query{}
			q.narrow(Filter{Source: name})
			seqs, err = s.numbers(ctx, `SELECT e.seq FROM (SELECT rowid AS seq FROM text WHERE text MATCH ? ORDER BY rowid LIMIT ?) t CROSS JOIN event e ON e.seq = t.seq
				WHERE e.time < ? AND e.source = (SELECT id FROM name WHERE text = ?)`, q.match(), removedAtOnce, now.Add(-source.Keep).UnixMilli(), name)
		}
	}
	if len(seqs) > 0 || err != nil || s.cfg.MaxBytes <= 0 {
		return seqs, err
	}
	used, err := s.Bytes(ctx)
	if err != nil || used <= s.cfg.MaxBytes {
		return nil, err
	}
	return s.numbers(ctx, "SELECT seq FROM event ORDER BY seq LIMIT ?", removedAtOnce)
}

// numbers returns the numbers that a query selects.
func (s *Store) numbers(ctx context.Context, query string, args ...any) (all []int64, err error) {
	found, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain(err)
	}
	defer found.Close()
	for found.Next() {
		var n int64
		if err := found.Scan(&n); err != nil {
			return nil, explain(err)
		}
		all = append(all, n)
	}
	return all, explain(found.Err())
}

// Bytes returns the bytes of the file that are in use.
func (s *Store) Bytes(ctx context.Context) (n int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&n)
	return n, explain(err)
}

// remove removes events in one transaction.
func (s *Store) remove(seqs []int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write.transact(func() error {
		t := newTransaction(s.write)
		for _, seq := range seqs {
			if err := t.remove(seq); err != nil {
				return err
			}
		}
		return t.sum()
	})
}

// remove removes one event, and takes it out of its groups. The hours keep it in their counts.
func (t *transaction) remove(seq int64) error {
	var source, action int64
	if err := queryRow(t.sql.eventNames, seq).Scan(&source, &action); err != nil {
		return err
	}
	all, err := t.deliveries(seq)
	if err != nil {
		return err
	}
	for _, d := range all {
		t.leave(failureKey{d.route, d.pattern, source, action}, d.state)
		if _, err := exec(t.sql.removeDelivery, d.route, seq); err != nil {
			return err
		}
	}
	for _, stmt := range t.sql.remove() {
		if _, err := exec(stmt, seq); err != nil {
			return err
		}
	}
	return nil
}

// delivery is the row of an event on a route.
type delivery struct {
	route, pattern int64
	state          int
}

// deliveries returns the rows of an event.
func (t *transaction) deliveries(seq int64) (all []delivery, err error) {
	found, err := queryRows(t.sql.routes, seq)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var d delivery
		if err := found.Scan(&d.route, &d.state, &d.pattern); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, found.Err()
}

// trimSums removes the sums of hours, minutes, groups, patterns and processes of which no event is left.
func (w *writer) trimSums() error {
	_, err := w.conn.ExecContext(context.Background(), `
		DELETE FROM minute WHERE last < (SELECT coalesce(min(seq), 0) FROM event);
		DELETE FROM hour WHERE hour < (SELECT coalesce(min(time), 0) / 3600000 FROM event);
		DELETE FROM failure WHERE failing + dead <= 0 AND last < (SELECT coalesce(min(time), 0) FROM event);
		DELETE FROM pattern WHERE id > 0 AND id NOT IN (SELECT pattern FROM failure);
		DELETE FROM process WHERE at < (SELECT coalesce(min(time), 0) - 30 * 86400000 FROM event)`)
	w.patterns.forget()
	return err
}
