package journal

import (
	"context"
	"database/sql"
	"errors"
)

const seqByKey = `SELECT e.seq FROM event e JOIN name s ON s.id = e.source JOIN name a ON a.id = e.action
	WHERE e.time = ? AND e.id = ? AND s.text = ? AND a.text = ?`

// ByKey returns the event with a key, or ErrNotFound.
func (s *Store) ByKey(ctx context.Context, k Key) (Detail, error) {
	seq, err := s.seqOf(ctx, k)
	if err != nil {
		return Detail{}, err
	}
	return s.Event(ctx, seq)
}

// Attempts returns the attempts of the event with a key that have ended, the oldest first. It returns none if the journal does not know the
// event.
func (s *Store) Attempts(ctx context.Context, k Key) ([]Attempt, error) {
	seq, err := s.seqOf(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := s.read.QueryContext(ctx, attemptsQuery, seq)
	if err != nil {
		return nil, explain(err)
	}
	return scanAttempts(found, k)
}

func (s *Store) seqOf(ctx context.Context, k Key) (seq int64, err error) {
	err = s.read.QueryRowContext(ctx, seqByKey, k.Time.UnixMilli(), k.ID, k.Source, k.Action).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNotFound
	}
	return seq, explain(err)
}
