package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/hookline/hookline/pkg/broker"
)

// Dead calls see for each dead letter of the route that is there at the beginning, oldest first. Between two pages
// nothing is held open: see may take its time.
func (s *store) Dead(ctx context.Context, route string, see func(broker.DeadLetter) bool) error {
	return s.eachPage(ctx, route, func(page []row) (bool, error) {
		for _, r := range page {
			if !see(letter(r)) {
				return false, nil
			}
		}
		return true, nil
	})
}

// Replay puts the dead letters that pick chooses back into their route's queue as new, and returns how many.
func (s *store) Replay(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	return s.change(ctx, route, pick, replay)
}

// Discard removes the dead letters that pick chooses, for good, and returns how many.
func (s *store) Discard(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	return s.change(ctx, route, pick, discard)
}

// change does something to the dead letters that pick chooses, in a transaction per page.
func (s *store) change(ctx context.Context, route string, pick func(broker.DeadLetter) bool, what func([]place, *int64) *op) (int, error) {
	total := 0
	err := s.eachPage(ctx, route, func(page []row) (bool, error) {
		var picked []place
		for _, r := range page {
			if pick(letter(r)) {
				picked = append(picked, r.place)
			}
		}
		if len(picked) == 0 {
			return true, nil
		}
		var n int64
		if err := s.write.do(ctx, what(picked, &n)); err != nil {
			return false, fmt.Errorf("dead letters of route %s: %w", route, err)
		}
		total += int(n)
		return true, nil
	})
	return total, err
}

// eachPage reads the dead letters that are there now. The time of the youngest is the end: a letter that is replayed
// and dies again meanwhile does not come round again and again.
func (s *store) eachPage(ctx context.Context, route string, visit func(page []row) (bool, error)) error {
	var last int64
	if err := s.queries.lastDead.QueryRowContext(ctx, route).Scan(&last); err != nil {
		return fmt.Errorf("dead letters of route %s: %w", route, explain(err))
	}
	for at, seq := int64(-1), int64(0); ; {
		page, _, err := rows(ctx, s.queries.dead, route, at, seq, last, maxRows)
		if err != nil {
			return fmt.Errorf("dead letters of route %s: %w", route, err)
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

func letter(r row) broker.DeadLetter {
	return broker.DeadLetter{
		Event: r.event, Route: r.route, Reason: r.reason, Attempts: r.attempts,
		FirstError: r.firstError, LastError: r.lastError, Died: time.UnixMilli(r.at).UTC(),
	}
}
