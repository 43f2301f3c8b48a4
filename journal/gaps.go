package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Why says why records are missing.
type Why string

// The reasons of gaps.
const (
	GapDropped Why = "dropped" // a process had no memory for them; Gap.Lost is their number
	GapMissing Why = "missing" // batches of a process never came
	GapExpired Why = "expired" // the stream no longer had them when the journal read on
	GapUnclean Why = "unclean" // the process of the journal ended without closing it, and the last records may be lost
)

// Gap is a time of which records are missing. The broker is not concerned: events are stored and handled as ever.
type Gap struct {
	From, To time.Time
	Lost     int64 // records; 0 if it is unknown
	Why      Why
	Process  string // that lost them; empty if it is unknown
}

// addGap adds a gap, in milliseconds. It extends the process's last one for the same reason, if that ended within a minute.
func (w *writer) addGap(process int64, why Why, first, last, lost int64) error {
	last = max(first, last)
	done, err := exec(w.sql.extendGap, process, string(why), first, last, lost)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return err
	}
	if _, err := exec(w.sql.addGap, process, string(why), first, last, lost); err != nil {
		return err
	}
	_, err = exec(w.sql.trimGaps)
	return err
}

// noteUncleanStop adds a gap if the last process that gave records directly did not close the journal. Records of a stream come again.
func (w *writer) noteUncleanStop() error {
	var open bool
	var at int64
	if err := w.conn.QueryRowContext(context.Background(), "SELECT direct, at FROM progress").Scan(&open, &at); err != nil || !open {
		return err
	}
	if err := w.addGap(0, GapUnclean, at, time.Now().UnixMilli(), 0); err != nil {
		return err
	}
	_, err := w.conn.ExecContext(context.Background(), "UPDATE progress SET direct = 0")
	return err
}

// RecordGap stores a gap that the reader of a stream has found.
func (s *Store) RecordGap(_ context.Context, g Gap) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.write.transact(func() error {
		process, err := s.write.names.id(g.Process)
		if err != nil {
			return err
		}
		return s.write.addGap(process, g.Why, g.From.UnixMilli(), g.To.UnixMilli(), g.Lost)
	})
	if err != nil {
		return fmt.Errorf("store a gap in the journal: %w", err)
	}
	s.changes.tell()
	return nil
}

// Gaps returns the gaps, the newest first, at most 1,000.
func (s *Store) Gaps(ctx context.Context) (gaps []Gap, err error) {
	found, err := s.read.QueryContext(ctx, `SELECT first, last, lost, why, text FROM gap JOIN name ON id = process ORDER BY seq DESC LIMIT 1000`)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var g Gap
		var first, last int64
		if err := found.Scan(&first, &last, &g.Lost, &g.Why, &g.Process); err != nil {
			return nil, explain(err)
		}
		g.From, g.To = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		gaps = append(gaps, g)
	}
	return gaps, explain(found.Err())
}
