package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// look calls see for the deliveries of a state that are kept for a route, until see returns false.
func (s *store) look(ctx context.Context, state, route string, see func(row) bool) error {
	return s.eachPage(ctx, state, route, func(page []row) (bool, error) {
		for _, r := range page {
			if !see(r) {
				return false, nil
			}
		}
		return true, nil
	})
}

// change does what to each delivery that pick chooses, in a transaction per page. It returns the sum of what it returned:
// how many were still there, since another process may decide about the same ones.
func (s *store) change(ctx context.Context, state, route string, pick func(row) bool, what func(*transaction, row) (int64, error)) (int, error) {
	total := 0
	err := s.eachPage(ctx, state, route, func(page []row) (bool, error) {
		var picked []row
		for _, r := range page {
			if pick(r) {
				picked = append(picked, r)
			}
		}
		if len(picked) == 0 {
			return true, nil
		}
		var n int64
		changed := newOp(0, func(tx *transaction) error {
			n = 0
			for _, r := range picked {
				found, err := what(tx, r)
				if err != nil {
					return err
				}
				n += found
			}
			return nil
		})
		if err := s.write.do(ctx, changed); err != nil {
			return false, fmt.Errorf("change what is %s: %w", state, err)
		}
		total += int(n)
		return true, nil
	})
	return total, err
}

// eachPage reads the deliveries that are there now. The place of the youngest is the end: neither does a dead letter that is replayed
// and dies again meanwhile come round again and again, nor what comes to the unrouted meanwhile.
func (s *store) eachPage(ctx context.Context, state, route string, visit func(page []row) (bool, error)) error {
	var last place
	err := s.queries.lastKept.QueryRowContext(ctx, route, state).Scan(&last.at, &last.seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what is %s: %w", state, explain(err))
	}
	for at, seq := int64(-1), int64(0); ; {
		page, _, err := rows(ctx, s.queries.kept, route, state, at, seq, last.at, last.seq, maxRows)
		if err != nil {
			return fmt.Errorf("read what is %s: %w", state, err)
		}
		if len(page) == 0 {
			return nil
		}
		if more, err := visit(page); err != nil || !more {
			return err
		}
		at, seq = page[len(page)-1].at, page[len(page)-1].seq
	}
}
