package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// maxPrefixPages bounds the pages of the full-text index that the begin of a word may have: FTS5 reads all of them, and sorts their some
// 1,000 entries each, before it returns the newest event.
const maxPrefixPages = 64

// prefixPages counts the pages between the first word with a begin and the first word behind them, in all parts of the index. A word in the
// table text_idx of FTS5 has "0" before it, and stands for a page that it is the first to begin on.
const prefixPages = `WITH RECURSIVE part (id) AS (SELECT min(segid) FROM text_idx
		UNION ALL SELECT (SELECT min(segid) FROM text_idx WHERE segid > id) FROM part WHERE id IS NOT NULL)
	SELECT coalesce(sum(behind - first), 0) FROM (SELECT
		coalesce((SELECT pgno / 2 FROM text_idx WHERE segid = id AND term >= ?2 ORDER BY term LIMIT 1),
			(SELECT max(pgno) / 2 FROM text_idx WHERE segid = id)) AS behind,
		coalesce((SELECT pgno / 2 FROM text_idx WHERE segid = id AND term <= ?1 ORDER BY term DESC LIMIT 1), 1) AS first
		FROM part WHERE id IS NOT NULL)`

// bound takes words as whole words that are the begin of too many. It returns ErrBroad if a person asked for those.
func (q *query) bound(ctx context.Context, tx *sql.Tx) error {
	for i, w := range q.words {
		if !q.prefix[i] {
			continue
		}
		var pages int
		if err := tx.QueryRowContext(ctx, prefixPages, []byte("0"+w), []byte("0"+w+"\xff")).Scan(&pages); err != nil {
			return explain(err)
		}
		if pages <= maxPrefixPages {
			continue
		}
		if q.starred[i] {
			return fmt.Errorf("%w: %s*", ErrBroad, w)
		}
		q.prefix[i] = false
	}
	return nil
}
