package embedded

import (
	"context"
	"fmt"

	"github.com/hookline/hookline/broker"
)

// LeftOver returns nothing: Queues has the queues of all routes that have events.
func (a *Attached) LeftOver(context.Context) ([]broker.QueueInfo, error) { return nil, nil }

// Retire implements broker.LeftOvers. A route is nothing but its events here.
func (a *Attached) Retire(ctx context.Context, r broker.Retirement) (moved int, err error) {
	if r.ToUnrouted {
		err = a.write.do(ctx, newOp(0, func(tx *transaction) (err error) {
			moved, err = tx.moveToUnrouted(r.Route)
			return err
		}))
		if err != nil {
			return 0, fmt.Errorf("broker %s: retire %s: %w", a.cfg.Path, r.Route, err)
		}
		return moved, nil
	}
	queues, err := a.Queues(ctx)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, q := range queues {
		if q.Route == r.Route {
			left += q.Waiting
		}
	}
	audit, err := a.Audit(ctx)
	if err != nil {
		return 0, err
	}
	for _, found := range audit.Routes {
		if found.Route == r.Route {
			left += int(found.Retrying)
		}
	}
	if left > 0 {
		return 0, fmt.Errorf("%w: %d", broker.ErrNotEmpty, left)
	}
	return 0, nil
}

// moveToUnrouted makes the events of a route unrouted ones, and returns their number. An event that is unrouted already stays one.
func (tx *transaction) moveToUnrouted(route string) (int, error) {
	added, err := tx.exec(tx.sql.moveToUnrouted, route)
	if err != nil {
		return 0, err
	}
	removed, err := tx.exec(tx.sql.clear, route)
	if err != nil {
		return 0, err
	}
	tx.tallies[tally{route, tallyDiscarded}] += removed
	tx.tallies[tally{broker.Unrouted, tallyStored}] += added
	return int(removed), nil
}
