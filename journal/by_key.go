package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// The index is named, because SQLite would rather read all events of the action.
const seqByKey = `SELECT seq FROM event INDEXED BY event_time WHERE time = ? AND id = ? AND source = (SELECT id FROM name WHERE text = ?)
	AND action = (SELECT id FROM name WHERE text = ?)`

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
	found, err := s.queries.attempts.QueryContext(ctx, fmt.Sprintf("[%d]", seq))
	if err != nil {
		return nil, explain(err)
	}
	attempts, err := scanAttempts(found)
	return timed(k, attempts[seq]), err
}

func (s *Store) seqOf(ctx context.Context, k Key) (seq int64, err error) {
	err = s.read.QueryRowContext(ctx, seqByKey, k.Time.UnixMilli(), k.ID, k.Source, k.Action).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNotFound
	}
	return seq, explain(err)
}
