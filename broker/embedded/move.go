package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
)

// fileQueue names the deliveries of one route in one state.
type fileQueue struct{ state, route string }

// fileQueues returns the queues that have deliveries, with their numbers.
func (s *store) fileQueues(ctx context.Context) (map[fileQueue]int, error) {
	found, err := s.queries.count.QueryContext(ctx, time.Now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count events: %w", explain(err))
	}
	defer found.Close()
	queues := map[fileQueue]int{}
	for found.Next() {
		var q fileQueue
		var n, later int
		if err := found.Scan(&q.state, &q.route, &n, &later); err != nil {
			return nil, fmt.Errorf("count events: %w", explain(err))
		}
		queues[q] = n
	}
	return queues, explain(found.Err())
}

// Move hands each stored delivery to take, oldest first in each queue, and removes it when take returns nil. It returns the number of
// moved deliveries, and the first error. A crash between the two leaves a delivery in both places. Move delivers nothing to consumers:
// let none run.
func (b *Broker) Move(ctx context.Context, take func(context.Context, broker.StoredDelivery) error) (moved int, err error) {
	queues, err := b.fileQueues(ctx)
	if err != nil {
		return 0, err
	}
	for q := range queues {
		err := b.eachBatch(ctx, q, beforeFirst(), func(batch []row) error {
			for _, r := range batch {
				if err := take(ctx, r.stored(q.state)); err != nil {
					return fmt.Errorf("event %s: %w", r.event.ID, err)
				}
				removed := newOp(0, func(tx *transaction) error {
					_, err := tx.remove(q.state, r.place, tallyDone)
					return err
				})
				if err := b.write.do(context.WithoutCancel(ctx), removed); err != nil {
					return fmt.Errorf("event %s is in both places: %w", r.event.ID, err)
				}
				moved++
			}
			return ctx.Err()
		})
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// stored returns a row in a state as a delivery for another broker.
func (r row) stored(state string) broker.StoredDelivery {
	d := broker.StoredDelivery{UndeliveredEvent: r.undelivered()}
	if state == stateWork {
		d.Died = time.Time{}
		if r.at > 0 {
			d.Due = time.UnixMilli(r.at)
		}
	}
	return d
}

// Abandon renames the database at path with its write-ahead log, so that no broker opens it, and returns the new name. It fails if a
// process runs the broker.
func Abandon(path string, now time.Time) (string, error) { return setAside(path, "abandoned", now) }
