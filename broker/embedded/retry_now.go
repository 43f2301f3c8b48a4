package embedded

import (
	"context"
	"math"
	"time"

	"github.com/hookline/hookline/broker"
)

// soon is the time before its next attempt in which RetryNow leaves an event alone: its worker could have fetched it already.
const soon = 2 * time.Second

// RetryNow implements broker.Redeliverer. Another process notices within a second.
func (s *store) RetryNow(ctx context.Context, route string, pick func(broker.StoredDelivery) bool) (int, error) {
	now := time.Now()
	waits := place{at: now.Add(soon).UnixMilli(), seq: math.MaxInt64}
	picked := func(r row) bool {
		return r.at <= now.Add(broker.MaxDelay+clockError).UnixMilli() && pick(r.stored(stateWork)) // a later one is due already: see fetch
	}
	return s.changeAfter(ctx, fileQueue{stateWork, route}, waits, picked, func(tx *transaction, r row) (int64, error) {
		if time.Until(time.UnixMilli(r.at)) < soon/2 { // pick took long; a changed place would lose the outcome of a running delivery
			return 0, nil
		}
		return tx.exec(tx.sql.postpone, now.UnixMilli(), r.route, r.at, r.seq)
	})
}

// RetryNow implements broker.Redeliverer. Workers of this process notice at once.
func (b *Broker) RetryNow(ctx context.Context, route string, pick func(broker.StoredDelivery) bool) (int, error) {
	n, err := b.store.RetryNow(ctx, route, pick)
	if q, ok := b.queues[route]; ok && n > 0 {
		q.wake()
	}
	return n, err
}
