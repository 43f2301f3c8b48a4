package journal

import (
	"context"
	"fmt"
	"time"
)

// Missed implements Place: a gap begins with the last batch of the stream and ends now. The offsets of a stream that was deleted begin again, so
// offset can be below the stored one.
func (s *Store) Missed(ctx context.Context, offset int64, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.write.transact(func() error {
		if _, err := s.write.conn.ExecContext(ctx, `INSERT INTO gap (process, why, first, last, lost)
			VALUES (0, ?1, coalesce((SELECT max(at) FROM process), ?2), ?2, 0)`, why, time.Now().UnixMilli()); err != nil {
			return err
		}
		_, err := s.write.conn.ExecContext(ctx, "UPDATE progress SET stream = ?", offset-1)
		return err
	})
	if err != nil {
		return fmt.Errorf("store a gap in the journal: %w", err)
	}
	s.changes.tell()
	return nil
}
