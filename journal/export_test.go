package journal

import (
	"context"
	"fmt"
)

// LimitPages fills the disk: the file has no more pages than n from now on, and any number for 0.
func (s *Store) LimitPages(ctx context.Context, n int) error {
	if n == 0 {
		n = 1 << 30
	}
	var now int
	return s.write.conn.QueryRowContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n)).Scan(&now)
}
