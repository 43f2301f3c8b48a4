package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// maxUnsettled is how many outcomes of a Consume may be on their way to the disk: a hand does not wait for the fsync of its last event
// before it takes the next one, so that a few hands fill a batch. After a crash these events come again, not marked, though they
// were handled.
const maxUnsettled = 128

// clockError is by how much more than broker.MaxDelay a retry may seem to have to wait before the clock is taken to have been wrong.
const clockError = time.Minute

// settlePause is the time between two tries to write an outcome that the disk does not take.
const settlePause = 200 * time.Millisecond

// Consume brings the events of a route of the configuration to fn, those that wait longest first, with due retries
// in between.
// An error means that there is no such route, that its concurrency is not positive, or that the line is closed.
func (b *Broker) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	q, ok := b.queues[r.Name]
	if !ok {
		return fmt.Errorf("line %s: route %q is not configured", b.cfg.Path, r.Name)
	}
	if r.Concurrency < 1 {
		return fmt.Errorf("line %s: route %q: concurrency is %d; it must be at least 1", b.cfg.Path, r.Name, r.Concurrency)
	}
	leave, ok := q.join(ctx)
	if !ok {
		return fmt.Errorf("line %s: %w: it is closed", b.cfg.Path, broker.ErrDown)
	}
	defer leave()
	unstopped := context.WithoutCancel(ctx)
	var hands sync.WaitGroup
	unsettled := make(chan struct{}, maxUnsettled)
	for range r.Concurrency {
		hands.Go(func() {
			for {
				d, next := q.take(ctx)
				switch next {
				case stepStop:
					return
				case stepFetch:
					q.add(b.fetch(unstopped, r.Name, q.exclude()))
				case stepHandle:
					line := b.hand.take(d.place)
					out := fn(unstopped, d.delivery())
					b.hand.give(line)
					o := carryOut(out, d.place)
					if o == nil {
						q.giveBack(d) // before anything else is taken
						continue
					}
					unsettled <- struct{}{}
					hands.Go(func() {
						b.settle(q, d, o, out.Verdict == broker.VerdictRetry)
						<-unsettled
					})
				}
			}
		})
	}
	hands.Wait()
	return nil
}

func (d lease) delivery() event.Delivery {
	return event.Delivery{Event: d.event, Route: d.route, Attempt: d.attempts + 1, Redelivered: d.redelivered}
}

// fetch reads what can be worked on now: retries that are due, for half of the places at most, and then what was
// never tried, so that neither starves the other: each may fill the bytes that rows reads at once; and then retries that are due later than any
// can be, since the clock was ahead when they failed. It also says whether there is more, and when to look again.
func (b *Broker) fetch(ctx context.Context, route, exclude string) (batch []lease, more bool, again time.Duration) {
	now := time.Now().UnixMilli()
	retries, whole, err := rows(ctx, b.queries.ready, route, 1, now, exclude, maxRows/2)
	found, more := retries, !whole || len(retries) == maxRows/2
	if err == nil {
		var fresh []row
		fresh, whole, err = rows(ctx, b.queries.ready, route, 0, 0, exclude, maxRows-len(found))
		found, more = append(found, fresh...), more || !whole || len(found)+len(fresh) == maxRows
	}
	if err == nil && !more {
		var early []row
		early, whole, err = rows(ctx, b.queries.ready, route, now+(broker.MaxDelay+clockError).Milliseconds(), math.MaxInt64, exclude, maxRows-len(found))
		found, more = append(found, early...), !whole
	}
	var due sql.NullInt64
	if err == nil && !more {
		err = b.queries.due.QueryRowContext(ctx, route, now).Scan(&due)
	}
	if err != nil {
		b.log.Error("cannot read events from the line; trying again", zap.String("route", route), zap.Error(explain(err)))
		return nil, false, poll
	}
	for _, r := range found {
		batch = append(batch, lease{r, b.hand.has(r.place)})
	}
	if again = poll; due.Valid {
		again = min(poll, time.Duration(due.Int64-now)*time.Millisecond)
	}
	return batch, more, again
}

// carryOut is the change that an outcome makes, and nil if it makes none.
func carryOut(out broker.Outcome, p place) *op {
	switch out.Verdict {
	case broker.VerdictAck:
		return finish(p)
	case broker.VerdictRetry:
		due := time.Now().Add(max(out.After, 0)).Add(time.Millisecond - 1) // never early: rounded up
		return fail(p, stateWork, due.UnixMilli(), out.Reason, broker.ErrorText(out.Err))
	case broker.VerdictDead:
		return fail(p, stateDead, time.Now().UnixMilli(), out.Reason, broker.ErrorText(out.Err))
	default:
		return nil
	}
}

// settle writes what became of a delivery, and says whether it comes again. What the disk does not take is tried again until it does
// or the line is closed; until then nobody else gets the delivery.
func (b *Broker) settle(q *queue, d lease, o *op, again bool) {
	for tries := 0; ; tries++ {
		err := b.write.do(context.Background(), o)
		if err == nil {
			q.release(d, again)
			return
		}
		if tries == 0 {
			b.log.Error("cannot write an outcome to the line; trying until it can be", zap.String("route", d.route), zap.String("event", d.event.ID), zap.Error(err))
		}
		if !b.write.pause(settlePause) {
			return
		}
	}
}
