package rabbitmq

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// acknowledger settles the deliveries of one channel, each once: RabbitMQ closes a channel that settles a delivery twice.
// It acknowledges many deliveries with one frame where it can, which halves the work of RabbitMQ.
type acknowledger struct {
	channel  amqp.Acknowledger
	prefetch int

	mu        sync.Mutex
	unsettled map[uint64]int          // bytes in memory by delivery tag
	bytes     *fetchedBytes           // of the consumption
	waiting   map[*noteBatch][]uint64 // tags of the done deliveries that wait for their batch to be written
	count     int                     // of tags in waiting
	last      time.Time               // of the last settlement
}

func newAcknowledger(channel amqp.Acknowledger, prefetch int, bytes *fetchedBytes) *acknowledger {
	return &acknowledger{
		channel: channel, prefetch: prefetch, bytes: bytes,
		unsettled: map[uint64]int{}, waiting: map[*noteBatch][]uint64{},
	}
}

// add adds a delivery that has just come, with the bytes that it keeps in memory.
func (a *acknowledger) add(tag uint64, size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsettled[tag] = size
}

// end gives up the deliveries that are not settled, after the end of their channel and of their handlers.
func (a *acknowledger) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for tag, size := range a.unsettled {
		a.bytes.free(size, time.Now())
		delete(a.unsettled, tag)
	}
}

// hold adds a delivery to those that wait for b, and reports whether it is the first.
func (a *acknowledger) hold(b *noteBatch, tag uint64) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting[b] = append(a.waiting[b], tag)
	a.count++
	return len(a.waiting[b]) == 1
}

// release removes and returns the deliveries that waited for b.
func (a *acknowledger) release(b *noteBatch) (tags []uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tags = a.waiting[b]
	delete(a.waiting, b)
	a.count -= len(tags)
	return tags
}

// halfHeld reports whether half of the prefetch, or more, waits for batches.
func (a *acknowledger) halfHeld() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return 2*a.count >= a.prefetch
}

// empty reports whether all deliveries are settled.
func (a *acknowledger) empty() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.unsettled) == 0
}

// full reports whether the prefetch is used up.
func (a *acknowledger) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.unsettled) >= a.prefetch
}

// lastSettled returns the time of the last settlement.
func (a *acknowledger) lastSettled() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// ack acknowledges deliveries. One frame acknowledges all tags below the lowest unsettled one; each other tag has its own frame.
func (a *acknowledger) ack(tags ...uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	tags = slices.DeleteFunc(tags, func(tag uint64) bool { return !a.markSettled(tag) })
	switch len(tags) {
	case 0:
		return nil
	case 1:
		return a.channel.Ack(tags[0], false)
	}
	lowest := uint64(math.MaxUint64)
	for tag := range a.unsettled {
		lowest = min(lowest, tag)
	}
	slices.Sort(tags)
	n, _ := slices.BinarySearch(tags, lowest)
	var errs []error
	if n > 0 {
		errs = append(errs, a.channel.Ack(tags[n-1], true))
	}
	for _, tag := range tags[n:] {
		errs = append(errs, a.channel.Ack(tag, false))
	}
	return errors.Join(errs...)
}

// reject returns a delivery to its queue. RabbitMQ marks it as redelivered.
func (a *acknowledger) reject(tag uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.markSettled(tag) {
		return nil
	}
	return a.channel.Reject(tag, true)
}

// markSettled marks a delivery as settled. It returns false if the delivery was settled before.
func (a *acknowledger) markSettled(tag uint64) bool {
	size, ok := a.unsettled[tag]
	if !ok {
		return false
	}
	delete(a.unsettled, tag)
	a.bytes.free(size, time.Now())
	a.last = time.Now()
	return true
}
