package embedded

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// poll is the time between two fetches of an idle queue. It finds events that another process replayed.
const poll = time.Second

// lease is a delivery that this process has fetched. Only this process knows it, so after a crash the delivery waits again.
type lease struct {
	row
	redelivered bool // a process crashed while it handled this attempt
}

// queue has the fetched deliveries of one route. Its consumers share it, so that a delivery waits for no particular consumer.
type queue struct {
	mu        sync.Mutex
	changed   sync.Cond
	ready     []lease        // fetched ahead
	leased    map[int64]bool // by seq: ready or running
	running   int
	bytes     int64 // bodies of the running deliveries
	limit     int64 // of bytes
	crowded   bool  // a delivery waits for room
	consumers int
	stale     bool // the database may have more
	fetching  bool
	paused    bool // by a person: no delivery is taken
	closed    bool
	timer     *time.Timer
}

func newQueue(limit int64) *queue {
	q := &queue{leased: map[int64]bool{}, stale: true, limit: limit}
	q.changed.L = &q.mu
	q.timer = time.AfterFunc(poll, q.wake)
	return q
}

// step is the next step of a consumer.
type step int

const (
	stepStop step = iota
	stepFetch
	stepHandle
)

// take waits for the next step. After stepFetch the caller must call add.
func (q *queue) take(ctx context.Context) (lease, step) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ctx.Err() == nil && !q.closed {
		switch {
		case q.paused:
		case len(q.ready) > 0 && q.hasRoom(q.ready[0]):
			d := q.ready[0]
			q.ready[0] = lease{}
			q.ready = q.ready[1:]
			q.start(d, 1)
			return d, stepHandle
		case len(q.ready) > 0:
			q.crowded = true
		case q.stale && !q.fetching:
			q.stale, q.fetching = false, true
			return lease{}, stepFetch
		}
		q.changed.Wait()
	}
	return lease{}, stepStop
}

// hasRoom reports whether the body of d has room beside those of the running deliveries. One body always has room.
func (q *queue) hasRoom(d lease) bool {
	return q.bytes == 0 || q.bytes+int64(len(d.event.Data)) <= q.limit
}

// start adds a delivery to the running ones, or removes it if n is -1.
func (q *queue) start(d lease, n int) {
	q.running += n
	q.bytes += int64(n * len(d.event.Data))
}

// exclude returns the leased deliveries as a JSON list, so that they are not fetched again.
func (q *queue) exclude() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.leased) == 0 {
		return "[]"
	}
	list, _ := json.Marshal(slices.Collect(maps.Keys(q.leased))) // numbers cannot fail
	return string(list)
}

// add adds a fetched batch. If the database has more, the next consumer without a delivery fetches again. Otherwise the queue fetches
// again after a while.
func (q *queue) add(batch []lease, more bool, again time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fetching = false
	if q.paused {
		batch, more = nil, true
	}
	for _, d := range batch {
		q.leased[d.seq] = true
	}
	q.ready = append(q.ready, batch...)
	if more {
		q.stale = true
	} else if !q.closed {
		q.timer.Reset(again)
	}
	q.changed.Broadcast()
}

// wake makes the queue fetch, because the database may have more deliveries.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stale = true
	q.changed.Broadcast()
}

// pause lets no delivery be taken, and returns those that nobody has taken; or it ends that.
func (q *queue) pause(paused bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paused == paused {
		return
	}
	for _, d := range q.ready {
		delete(q.leased, d.seq)
	}
	q.paused, q.ready, q.stale = paused, nil, true
	q.changed.Broadcast()
}

// release removes a delivery with an outcome on the disk. retried tells whether it comes again.
func (q *queue) release(d lease, retried bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.leased, d.seq)
	q.start(d, -1)
	q.stale = q.stale || retried
	if retried || q.crowded {
		q.crowded = false
		q.changed.Broadcast()
	}
}

// requeue makes a delivery the next one, or returns it to the database while the route is paused.
func (q *queue) requeue(d lease) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paused {
		delete(q.leased, d.seq)
	} else {
		q.ready = slices.Insert(q.ready, 0, d)
	}
	q.start(d, -1)
	q.changed.Broadcast()
}

// join adds a consumer until it calls leave. ok is false if the queue is closed.
func (q *queue) join(ctx context.Context) (leave func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false
	}
	q.consumers++
	stop := context.AfterFunc(ctx, q.broadcast)
	return func() {
		stop()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.consumers--
		q.changed.Broadcast()
	}, true
}

func (q *queue) broadcast() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed.Broadcast()
}

// close stops the queue, and waits for its consumers until ctx ends.
func (q *queue) close(ctx context.Context) error {
	defer context.AfterFunc(ctx, q.broadcast)()
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

// runningBytes returns the size of the bodies of the running deliveries.
func (q *queue) runningBytes() float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return float64(q.bytes)
}

// state returns the number of running deliveries, and whether the queue has consumers.
func (q *queue) state() (running int, consumed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, q.consumers > 0
}

func (d lease) delivery() event.Delivery {
	return event.Delivery{Event: d.event, Route: d.route, Attempt: d.attempts + 1, Redelivered: d.redelivered}
}
