package worker_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// fakeQueue is the queue of a route. It delivers due events, oldest first, and carries outcomes out.
type fakeQueue struct {
	mu         sync.Mutex
	waiting    []waiting
	done, dead []event.Delivery
	refusals   int // of dead letters, before one is stored
}

func (q *fakeQueue) count() (waiting, done, dead int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), len(q.done), len(q.dead)
}

type waiting struct {
	event.Delivery
	due time.Time
}

func (q *fakeQueue) add(d event.Delivery, due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, waiting{d, due})
	slices.SortStableFunc(q.waiting, func(a, b waiting) int { return a.due.Compare(b.due) })
}

// take returns a due event, or the wait before the next call.
func (q *fakeQueue) take() (d event.Delivery, ok bool, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return d, false, time.Second
	}
	if wait := time.Until(q.waiting[0].due); wait > 0 {
		return d, false, min(wait, time.Second)
	}
	d, q.waiting = q.waiting[0].Delivery, q.waiting[1:]
	return d, true, 0
}

func (q *fakeQueue) settle(d event.Delivery, o broker.Outcome) {
	switch o.Verdict {
	case broker.VerdictRetry:
		d.Attempt++
		d.Redelivered = false
		q.add(d, time.Now().Add(o.After))
	case broker.VerdictPostpone:
		q.add(d, time.Now().Add(o.After))
	case broker.VerdictRequeue:
		q.add(d, time.Time{})
	case broker.VerdictAck:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.done = append(q.done, d)
	case broker.VerdictDead:
		q.mu.Lock()
		refused := q.refusals > 0
		if refused {
			q.refusals--
		} else {
			q.dead = append(q.dead, d)
		}
		q.mu.Unlock()
		if !refused {
			o.Settle(nil)
			return
		}
		o.Settle(broker.ErrRefused)
		d.GivenUp = true
		q.add(d, time.Now().Add(time.Minute))
	}
}

func (q *fakeQueue) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	for range r.Concurrency {
		workers.Go(func() {
			for ctx.Err() == nil {
				d, ok, wait := q.take()
				if ok {
					q.settle(d, fn(context.WithoutCancel(ctx), d))
					continue
				}
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
			}
		})
	}
	return nil
}
