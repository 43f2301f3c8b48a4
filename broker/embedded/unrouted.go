package embedded

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
)

// Unrouted calls see for each unrouted event that is there at the beginning, oldest first. Between two pages nothing is held
// open: see may take its time.
func (s *store) Unrouted(ctx context.Context, see func(event.Event) bool) error {
	return s.look(ctx, stateUnrouted, "", func(r row) bool { return see(r.event) })
}

// ReplayUnrouted gives the events that pick chooses to every route of the configuration that matches them, and returns
// how many. Those that match none stay.
func (s *store) ReplayUnrouted(ctx context.Context, pick func(event.Event) bool) (int, error) {
	matched := func(r row) bool { return pick(r.event) && s.matcher.Match(r.event.Key()) != nil }
	return s.change(ctx, stateUnrouted, "", matched, func(tx *transaction, r row) (int64, error) {
		return tx.reroute(r, s.matcher.Match(r.event.Key()))
	})
}

// DiscardUnrouted removes the events that pick chooses, for good, and returns how many.
func (s *store) DiscardUnrouted(ctx context.Context, pick func(event.Event) bool) (int, error) {
	return s.change(ctx, stateUnrouted, "", func(r row) bool { return pick(r.event) }, func(tx *transaction, r row) (int64, error) {
		return tx.remove(stateUnrouted, r.place, tallyDiscarded)
	})
}
