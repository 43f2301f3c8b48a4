package rabbitmq

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// settlement is what becomes of the deliveries of one channel. RabbitMQ has half the work with many that are
// acknowledged at once.
type settlement struct {
	ch *amqp.Channel

	mu      sync.Mutex
	inHand  map[uint64]struct{}     // tags of what is not settled
	waiting map[*noteBatch][]uint64 // tags of those that are to be acknowledged when the batch is written
	count   int                     // of these
	room    int                     // for inHand
	last    time.Time               // when the broker was last told something
}

func newSettlement(ch *amqp.Channel, room int) *settlement {
	return &settlement{ch: ch, room: room, inHand: map[uint64]struct{}{}, waiting: map[*noteBatch][]uint64{}}
}

// take takes a delivery in hand.
func (s *settlement) take(d amqp.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inHand[d.DeliveryTag] = struct{}{}
}

// await adds a delivery to those that wait for p, and tells whether it is the first.
func (s *settlement) await(p *noteBatch, tag uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[p] = append(s.waiting[p], tag)
	s.count++
	return len(s.waiting[p]) == 1
}

// crowded tells whether more than half of the room is taken by what waits for batches.
func (s *settlement) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return 2*s.count >= s.room
}

// awaited are the deliveries that waited for p.
func (s *settlement) awaited(p *noteBatch) []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags := s.waiting[p]
	delete(s.waiting, p)
	s.count -= len(tags)
	return tags
}

// empty tells whether nothing is in hand.
func (s *settlement) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inHand) == 0
}

// full tells whether there is no room for more.
func (s *settlement) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inHand) >= s.room
}

// ack acknowledges deliveries: with one word all those before which nothing is in hand, the others one by one.
func (s *settlement) ack(tags ...uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	for _, tag := range tags {
		delete(s.inHand, tag)
	}
	if len(tags) == 1 {
		return s.ch.Ack(tags[0], false)
	}
	first := uint64(math.MaxUint64)
	for tag := range s.inHand {
		first = min(first, tag)
	}
	slices.Sort(tags)
	n, _ := slices.BinarySearch(tags, first)
	var errs []error
	if n > 0 {
		errs = append(errs, s.ch.Ack(tags[n-1], true))
	}
	for _, tag := range tags[n:] {
		errs = append(errs, s.ch.Ack(tag, false))
	}
	return errors.Join(errs...)
}

// reject gives a delivery back as one that ended without an outcome.
func (s *settlement) reject(tag uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	delete(s.inHand, tag)
	return s.ch.Reject(tag, true)
}

// subside returns when all settlements have had their time to reach the queue.
func (s *settlement) subside() {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	<-time.After(time.Until(last.Add(settleTime)))
}
