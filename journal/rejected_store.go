package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// The bounds of the rejected requests in a journal. Strangers can cause them, so that they have room of their own.
const (
	MaxRejected      = 1000
	MaxRejectedBytes = 16 << 20
	KeepRejected     = 7 * 24 * time.Hour
)

// rejectedStep adds the rejected requests. The bodies are in the records.
const rejectedStep = `
CREATE TABLE rejected (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	time     INTEGER NOT NULL,
	source   TEXT NOT NULL,
	cause    TEXT NOT NULL,
	summary  TEXT NOT NULL,
	left_out INTEGER NOT NULL,
	size     INTEGER NOT NULL,
	record   BLOB NOT NULL
) STRICT;
CREATE INDEX rejected_group ON rejected (source, cause, summary, time, left_out);
CREATE INDEX rejected_size ON rejected (source, size);
CREATE INDEX rejected_time ON rejected (time);`

// RejectedGroup is a number of rejected requests of one source with one cause.
type RejectedGroup struct {
	Source, Cause, Summary string
	Count                  int
	LastHour               int   // how many of them came in the last hour: the group grows
	LeftOut                int64 // more requests of the source that a flood left out
	First, Last            time.Time
	Sample                 int64 // number of the newest
}

// RejectedRequest is a rejected request with its number.
type RejectedRequest struct {
	Seq int64
	Rejected
}

// RejectedFilter chooses rejected requests. Empty fields choose all.
type RejectedFilter struct {
	Source, Cause, Summary string
}

// keepRejected stores rejected requests, and removes those that are too old or too many.
func (t *transaction) keepRejected(all []Rejected) error {
	ctx := context.Background()
	for i := range all {
		r := all[i]
		if t.cfg.Sources[r.Source].NoBodies {
			r.Header, r.Body, r.Query, r.Cut = nil, nil, "", r.Cut || r.Size > 0
		}
		record, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = t.conn.ExecContext(ctx, "INSERT INTO rejected (time, source, cause, summary, left_out, size, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
			r.Time.UnixMilli(), r.Source, r.Cause, r.Summary, r.LeftOut, len(record), record)
		if err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	return t.boundRejected(ctx)
}

// boundRejected removes expired requests, and then the oldest of the source with the most, so that a flood displaces itself first.
func (t *transaction) boundRejected(ctx context.Context) error {
	if _, err := t.conn.ExecContext(ctx, "DELETE FROM rejected WHERE time < ?", time.Now().Add(-KeepRejected).UnixMilli()); err != nil {
		return err
	}
	for {
		var n, size int64
		if err := t.conn.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(size), 0) FROM rejected").Scan(&n, &size); err != nil {
			return err
		}
		order := "count(*)"
		switch {
		case size > MaxRejectedBytes:
			order = "sum(size)"
		case n <= MaxRejected:
			return nil
		}
		_, err := t.conn.ExecContext(ctx, `DELETE FROM rejected WHERE seq = (SELECT min(seq) FROM rejected WHERE source =
			(SELECT source FROM rejected GROUP BY source ORDER BY `+order+` DESC LIMIT 1))`)
		if err != nil {
			return err
		}
	}
}

// RejectedGroups returns the rejected requests by source and cause, the latest group first.
func (s *Store) RejectedGroups(ctx context.Context) ([]RejectedGroup, error) {
	now := time.Now()
	rows, err := s.read.QueryContext(ctx, `SELECT source, cause, summary, count(*), sum(time > ?), sum(left_out), min(time), max(time), max(seq)
		FROM rejected WHERE time >= ? GROUP BY source, cause, summary ORDER BY max(time) DESC, max(seq) DESC`,
		now.Add(-time.Hour).UnixMilli(), now.Add(-KeepRejected).UnixMilli())
	if err != nil {
		return nil, explain(err)
	}
	defer func() { _ = rows.Close() }()
	var groups []RejectedGroup
	for rows.Next() {
		var g RejectedGroup
		var first, last int64
		if err := rows.Scan(&g.Source, &g.Cause, &g.Summary, &g.Count, &g.LastHour, &g.LeftOut, &first, &last, &g.Sample); err != nil {
			return nil, explain(err)
		}
		g.First, g.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		groups = append(groups, g)
	}
	return groups, explain(rows.Err())
}

// RejectedRequests returns up to limit requests, the newest first, with numbers below before; 0 begins with the newest.
func (s *Store) RejectedRequests(ctx context.Context, f RejectedFilter, before int64, limit int) ([]RejectedRequest, error) {
	where, args := "time >= ?", []any{time.Now().Add(-KeepRejected).UnixMilli()}
	add := func(condition string, arg any) { where, args = where+" AND "+condition, append(args, arg) }
	for _, c := range []struct{ condition, text string }{{"source = ?", f.Source}, {"cause = ?", f.Cause}, {"summary = ?", f.Summary}} {
		if c.text != "" {
			add(c.condition, c.text)
		}
	}
	if before > 0 {
		add("seq < ?", before)
	}
	rows, err := s.read.QueryContext(ctx, "SELECT seq, record FROM rejected WHERE "+where+" ORDER BY seq DESC LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, explain(err)
	}
	return readRejected(rows)
}

func readRejected(rows *sql.Rows) (all []RejectedRequest, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r RejectedRequest
		var record []byte
		if err := rows.Scan(&r.Seq, &record); err != nil {
			return nil, explain(err)
		}
		if err := json.Unmarshal(record, &r.Rejected); err != nil {
			return nil, fmt.Errorf("%w: rejected request %d: %w", ErrDamaged, r.Seq, err)
		}
		all = append(all, r)
	}
	return all, explain(rows.Err())
}

// RejectedRequest returns the request with a number, or ErrNotFound, also after it has expired.
func (s *Store) RejectedRequest(ctx context.Context, seq int64) (RejectedRequest, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT seq, record FROM rejected WHERE seq = ? AND time >= ?", seq, time.Now().Add(-KeepRejected).UnixMilli())
	if err != nil {
		return RejectedRequest{}, explain(err)
	}
	found, err := readRejected(rows)
	switch {
	case err != nil:
		return RejectedRequest{}, err
	case len(found) == 0:
		return RejectedRequest{}, fmt.Errorf("%w: rejected request %d", ErrNotFound, seq)
	}
	return found[0], nil
}

// RemoveRejected removes the rejected requests that match, for good, and returns their number: after they were admitted or discarded, and
// to forget a person.
func (s *Store) RemoveRejected(ctx context.Context, matches func(RejectedRequest) bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	removed := 0
	err := s.write.transact(func() error {
		for from := int64(0); ; {
			rows, err := s.write.conn.QueryContext(ctx, "SELECT seq, record FROM rejected WHERE seq > ? ORDER BY seq LIMIT 50", from)
			if err != nil {
				return err
			}
			some, err := readRejected(rows)
			if err != nil || len(some) == 0 {
				return err
			}
			for _, r := range some {
				from = r.Seq
				if !matches(r) {
					continue
				}
				if _, err := s.write.conn.ExecContext(ctx, "DELETE FROM rejected WHERE seq = ?", r.Seq); err != nil {
					return err
				}
				removed++
			}
		}
	})
	if err != nil {
		return 0, fmt.Errorf("remove rejected requests from the journal: %w", err)
	}
	s.changes.tell()
	// The log has old pages until then. While somebody reads, the next checkpoint does it.
	_, err = s.write.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return removed, explain(err)
}
