package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// errCancelled says that the broker ended the consumer, as it does when the queue is deleted.
var errCancelled = errors.New("the broker cancelled the consumer: its queue was deleted or moved")

const (
	// extraRoom is how many deliveries more a consumer has in hand whose work is so quick that what is done would fill its
	// hand while it waits to be noted.
	extraRoom = 64
	// carefulTime is how long a route does without, after a delivery came that was cut off: what comes back with it may have
	// ended its process, and takes along what is in hand.
	carefulTime = time.Minute
	// idleTime is after how long without a delivery, at the latest after twice that, a consumer that has nothing in hand is
	// replaced by another. When a quorum queue is deleted and made again within milliseconds, RabbitMQ tells nobody, and
	// takes what it sends to the old consumers for repeats and drops it; when they end it sends it again.
	idleTime = 10 * time.Second
	// wideWait is how long a delivery may wait in hand where there is extraRoom, more or less: another worker could have it.
	wideWait = time.Second
	// fillTime is how long a consumer that is to be ended waits for its hand to be full, and quietTime for each delivery.
	fillTime  = time.Second
	quietTime = 50 * time.Millisecond
	// settleTime is how long the channel outlives its last settlement. RabbitMQ has 32 of them on their way to a quorum queue
	// at a time; it keeps the others in the channel, and drops them with it, so that what is done would count as cut off.
	settleTime = 300 * time.Millisecond
)

// consumer is one consumer of a route's queue, on a channel of its own.
type consumer struct {
	*route
	*settlement
	wide       bool // has extraRoom
	deliveries <-chan amqp.Delivery
	closed     <-chan *amqp.Error
	cancelled  <-chan string
	resize     chan struct{}   // capacity 1: another room would be better
	fetched    []amqp.Delivery // what waits here for a slot
	working    sync.WaitGroup  // those of route.running that this consumer has brought
}

// open makes a consumer. It has the route's concurrency in hand twice, or wide.
func (r *route) open(s *session, wide bool) (*consumer, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	room := 2 * r.Concurrency // the prefetch
	if wide {
		room += extraRoom
	}
	c := &consumer{route: r, settlement: newSettlement(ch, room), wide: wide, resize: make(chan struct{}, 1)}
	c.closed = ch.NotifyClose(make(chan *amqp.Error, 1))
	c.cancelled = ch.NotifyCancel(make(chan string, 1))
	if err = ch.Qos(room, 0, false); err != nil {
		err = fmt.Errorf("prefetch: %w", err)
	} else if c.deliveries, err = ch.Consume(broker.WorkQueue(r.Name), r.Name, false, false, false, false, nil); err != nil {
		err = fmt.Errorf("consume: %w", err)
	}
	if err != nil {
		_ = ch.Close() // it may be closed already
		return nil, err
	}
	return c, nil
}

// run consumes until the channel or ctx ends, or another consumer would be better: then its error is nil, and it says which.
func (c *consumer) run(ctx context.Context) (wide bool, err error) {
	wide, err = c.bring(ctx)
	if err == nil {
		err = c.cancel()
	}
	if err != nil {
		_ = c.ch.Close() // whatever is not settled goes back to the queue
		c.ledger.hold(c.Name, -int64(len(c.fetched)))
		return false, err
	}
	for _, d := range c.fetched {
		if c.wide || !c.startNext(ctx, d) {
			c.giveBack(d)
			c.ledger.hold(c.Name, -1)
		}
	}
	c.running.Go(func() {
		c.working.Wait()
		c.subside()
		_ = c.ch.Close()
	})
	return wide, nil
}

// bring starts work on what comes.
func (c *consumer) bring(ctx context.Context) (wide bool, err error) {
	pause := idleTime
	if c.wide {
		pause = wideWait
	}
	look := time.NewTicker(pause)
	defer look.Stop()
	for last, seen := uint64(0), uint64(0); ; { // tags: of the newest delivery, and what it was at the last look
		var slots chan<- struct{}
		if len(c.fetched) > 0 {
			slots = c.slots
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-c.resize:
			return !c.wide, nil
		case d, ok := <-c.deliveries:
			if !ok {
				return false, whyEnded(c.cancelled, c.closed)
			}
			c.fetch(d)
			last = d.DeliveryTag
		case <-look.C:
			idle := last == seen && c.empty()
			slow := c.wide && len(c.fetched) > 0 && c.fetched[0].DeliveryTag <= seen
			if idle || slow {
				return false, nil
			}
			seen = last
		case slots <- struct{}{}:
			c.start(ctx, c.fetched[0])
			c.fetched = c.fetched[1:]
		}
	}
}

func (c *consumer) fetch(d amqp.Delivery) {
	c.fetched = append(c.fetched, d)
	c.take(d)
	c.ledger.hold(c.Name, 1)
}

// startNext starts work on d as soon as there is a slot. It is false if ctx ends before.
func (c *consumer) startNext(ctx context.Context, d amqp.Delivery) bool {
	select {
	case c.slots <- struct{}{}:
		c.start(ctx, d)
		return true
	case <-ctx.Done():
		return false
	}
}

// start starts work on d in a slot that was taken for it.
func (c *consumer) start(ctx context.Context, d amqp.Delivery) {
	c.running.Add(1)
	c.working.Go(func() {
		defer c.running.Done()
		rec, done := c.handle(ctx, d)
		<-c.slots // the next can start while this one is acknowledged
		if done {
			c.done(d, rec)
		}
	})
}

// whyEnded says why there are no more deliveries. amqp091-go closes both channels with the AMQP channel, after the word
// that it has for them.
func whyEnded(cancelled <-chan string, closed <-chan *amqp.Error) error {
	select {
	case _, ok := <-cancelled:
		if ok {
			return errCancelled
		}
	default:
	}
	select {
	case err := <-closed:
		return ended("channel", err)
	default:
		return errCancelled
	}
}

// cancel ends the consumer, with a full hand if enough comes to fill it.
//
// RabbitMQ takes back what it sends while it decides on the end, which takes a write to its disk, and it comes again as if
// we had died with it. So nothing is settled meanwhile, or stored: when there is no room for more, nothing more is sent.
func (c *consumer) cancel() error {
	c.settling.Lock()
	defer c.settling.Unlock()
	c.fill()
	if err := c.ch.Cancel(c.Name, false); err != nil {
		return err
	}
	for d := range c.deliveries {
		c.fetch(d)
	}
	return nil
}

// fill fetches until there is no room for more, or so little comes that there is not likely anything in the moment of the end.
func (c *consumer) fill() {
	end := time.After(fillTime)
	for !c.full() {
		select {
		case d, ok := <-c.deliveries:
			if !ok {
				return
			}
			c.fetch(d)
		case <-time.After(quietTime):
			return
		case <-end:
			return
		}
	}
}

// handle works on one delivery, and tells whether it is done and to be acknowledged. Any other outcome is carried out, in its
// turn: of a route that works on one at a time, the dead letters are in the order of the events.
func (c *consumer) handle(ctx context.Context, d amqp.Delivery) (rec queuedEvent, done bool) {
	defer func() {
		if !done {
			c.ledger.hold(c.Name, -1)
		}
	}()
	if c.ch.IsClosed() {
		return rec, false // it will come again on the next session
	}
	if ctx.Err() != nil {
		c.giveBack(d)
		return rec, false
	}
	now := time.Now()
	rec = read(d, now)
	if d.Redelivered || rec.reason == broker.ReasonCrashed {
		c.beCareful(now)
	}
	if wait := rec.due.Sub(now); wait > shortWait {
		c.settle(ctx, d, rec, rec.write(delayExchange(wait), c.Name))
		return rec, false
	} else if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			c.giveBack(d)
			return rec, false
		}
	}
	c.ledger.work(c.Name, 1)
	o := c.process(context.WithoutCancel(ctx), event.Delivery{
		Event: rec.event, Route: c.Name, Attempt: rec.attempt, Redelivered: d.Redelivered,
	})
	c.ledger.work(c.Name, -1)
	if o.Verdict == broker.VerdictAck {
		return rec, true
	}
	c.carryOut(ctx, d, rec, o)
	return rec, false
}
