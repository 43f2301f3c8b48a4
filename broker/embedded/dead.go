package embedded

import (
	"context"
	"time"

	"github.com/hookline/hookline/broker"
)

// Dead calls see for each dead letter of the route that is there at the beginning, oldest first. Between two pages
// nothing is held open: see may take its time.
func (s *store) Dead(ctx context.Context, route string, see func(broker.DeadLetter) bool) error {
	return s.look(ctx, stateDead, route, func(r row) bool { return see(letter(r)) })
}

// Replay puts the dead letters that pick chooses back into their route's queue as new, and returns how many.
func (s *store) Replay(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	return s.change(ctx, stateDead, route, func(r row) bool { return pick(letter(r)) }, (*transaction).replay)
}

// Discard removes the dead letters that pick chooses, for good, and returns how many.
func (s *store) Discard(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	return s.change(ctx, stateDead, route, func(r row) bool { return pick(letter(r)) }, func(tx *transaction, r row) (int64, error) {
		return tx.remove(stateDead, r.place, tallyDiscarded)
	})
}

func letter(r row) broker.DeadLetter {
	return broker.DeadLetter{
		Event: r.event, Route: r.route, Reason: r.reason, Attempts: r.attempts,
		FirstError: r.firstError, LastError: r.lastError, Died: time.UnixMilli(r.at).UTC(),
	}
}
