package embedded

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// poll is how often an idle queue looks by itself, for what another process replayed.
const poll = time.Second

// lease is a delivery that this process has taken. It is known here only: a crash gives everything back.
type lease struct {
	row
	redelivered bool // a process died while it handled this attempt
}

// queue is what this process has in hand of one route. Its consumers share it, so that none sits on what another
// could do.
type queue struct {
	mu        sync.Mutex
	changed   sync.Cond
	ready     []lease        // read ahead
	leased    map[int64]bool // by seq: ready or running
	running   int
	consumers int
	stale     bool // the database may have more
	fetching  bool
	closed    bool
	timer     *time.Timer
}

func newQueue() *queue {
	q := &queue{leased: map[int64]bool{}, stale: true}
	q.changed.L = &q.mu
	q.timer = time.AfterFunc(poll, q.wake)
	return q
}

// step is what a consumer has to do next.
type step int

const (
	stepStop step = iota
	stepFetch
	stepHandle
)

// take waits until there is something to do. After stepFetch the caller must call add.
func (q *queue) take(ctx context.Context) (lease, step) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ctx.Err() == nil && !q.closed {
		switch {
		case len(q.ready) > 0:
			d := q.ready[0]
			q.ready[0] = lease{}
			q.ready = q.ready[1:]
			q.running++
			return d, stepHandle
		case q.stale && !q.fetching:
			q.stale, q.fetching = false, true
			return lease{}, stepFetch
		}
		q.changed.Wait()
	}
	return lease{}, stepStop
}

// exclude is a JSON list of what must not be fetched, since it is in hand.
func (q *queue) exclude() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.leased) == 0 {
		return "[]"
	}
	list, _ := json.Marshal(slices.Collect(maps.Keys(q.leased))) // numbers cannot fail
	return string(list)
}

// add takes in what was fetched. With more to come the next one to run dry fetches again; otherwise the queue looks
// again after a while.
func (q *queue) add(batch []lease, more bool, again time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range batch {
		q.leased[d.seq] = true
	}
	q.ready = append(q.ready, batch...)
	q.fetching = false
	if more {
		q.stale = true
	} else if !q.closed {
		q.timer.Reset(again)
	}
	q.changed.Broadcast()
}

// wake says that the database may have more.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stale = true
	q.changed.Broadcast()
}

// release forgets a delivery whose outcome is on the disk. It may be there again, with another attempt.
func (q *queue) release(d lease, again bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.leased, d.seq)
	q.running--
	if again {
		q.stale = true
		q.changed.Broadcast()
	}
}

// giveBack makes a delivery the next one.
func (q *queue) giveBack(d lease) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = slices.Insert(q.ready, 0, d)
	q.running--
	q.changed.Broadcast()
}

// join counts a consumer that begins, until the returned function is called. It fails when the queue is closed.
func (q *queue) join(ctx context.Context) (leave func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false
	}
	q.consumers++
	stop := context.AfterFunc(ctx, q.changedNow)
	return func() {
		stop()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.consumers--
		q.changed.Broadcast()
	}, true
}

func (q *queue) changedNow() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed.Broadcast()
}

// close lets nobody take anything more, and waits until ctx ends for those who have something.
func (q *queue) close(ctx context.Context) error {
	defer context.AfterFunc(ctx, q.changedNow)()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.timer.Stop()
	q.changed.Broadcast()
	for q.consumers > 0 && ctx.Err() == nil {
		q.changed.Wait()
	}
	if q.consumers > 0 {
		return ctx.Err()
	}
	return nil
}

// inHand returns how many deliveries run, and whether anybody consumes.
func (q *queue) inHand() (running int, consumed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.consumers > 0
}
