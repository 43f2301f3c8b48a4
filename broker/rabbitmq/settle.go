package rabbitmq

import (
	"context"
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

const (
	// storeTime is how long one try to store a retry or a dead letter may take.
	storeTime = 10 * time.Second
	// storePatience is how long it is tried before the delivery is given back instead. Giving back counts towards the
	// queue's x-delivery-limit of 20, so it must not be quick while the broker takes nothing: an hour's memory alarm
	// should not make dead letters.
	storePatience = 3 * time.Minute
)

// done ends the delivery of an event whose work is done. That is in the ledger first: whoever is the first on a batch waits
// for it, and acknowledges for all.
func (c *consumer) done(d amqp.Delivery, rec queuedEvent) {
	crowded := c.crowded()
	if crowded {
		c.widen()
	}
	p := c.ledger.finished(crowded, ledger.Done, rec.event, c.Name)
	if !c.await(p, d.DeliveryTag) {
		return
	}
	c.ledger.await(p)
	tags := c.awaited(p)
	c.tell(func() error { return c.ack(tags...) })
}

// widen asks for more room, unless it was quick work that brought down a process.
func (c *consumer) widen() {
	if !c.wide && time.Since(time.Unix(0, c.cutOff.Load())) > carefulTime {
		c.change()
	}
}

// beCareful takes note of a delivery that was cut off.
func (c *consumer) beCareful(now time.Time) {
	c.cutOff.Store(now.UnixNano())
	if c.wide {
		c.change()
	}
}

func (c *consumer) change() {
	select {
	case c.resize <- struct{}{}:
	default:
	}
}

// carryOut turns any other outcome into what the broker is told.
func (c *consumer) carryOut(ctx context.Context, d amqp.Delivery, rec queuedEvent, o broker.Outcome) {
	now := time.Now()
	switch o.Verdict {
	case broker.VerdictRetry:
		rec = rec.failed(o)
		rec.attempt++
		rec.due = now.Add(o.After).Truncate(time.Millisecond).Add(time.Millisecond) // never early, whole on the wire
		c.settle(ctx, d, rec, rec.write(delayExchange(o.After), c.Name))
	case broker.VerdictDead:
		rec = rec.failed(o)
		rec.due, rec.died = time.Time{}, now
		c.settle(ctx, d, rec, rec.write(DeadExchange, c.Name))
	default:
		c.giveBack(d)
	}
}

// settle stores the message that takes the delivery's place, then acknowledges the delivery: at every moment the event
// is in one of the two, and a crash in between leaves it in both. While it cannot be stored the delivery is held, and
// given back in the end or when ctx ends.
func (c *consumer) settle(ctx context.Context, d amqp.Delivery, rec queuedEvent, m message) {
	for began := time.Now(); !c.ch.IsClosed(); { // else the delivery will come again, and a copy would be one too many
		err := c.store(ctx, m)
		if err == nil {
			if !rec.due.IsZero() {
				c.ledger.retrying(rec.event, c.Name)
			}
			c.accept(d)
			return
		}
		if ctx.Err() != nil {
			c.nack(d)
			return
		}
		c.log.Warn("cannot store the event again; trying once more", zap.String("id", rec.event.ID), zap.Error(err))
		select {
		case <-time.After(time.Second + rand.N(time.Second)):
		case <-ctx.Done():
		}
		if time.Since(began) > storePatience {
			c.nack(d)
			return
		}
	}
}

func (c *consumer) store(ctx context.Context, m message) error {
	c.settling.RLock()
	defer c.settling.RUnlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime) // a stop waits for what runs
	defer cancel()
	return c.publisher.publish(ctx, &m)
}

// giveBack returns the delivery to its queue as it came, behind the others. It is stored again and acknowledged: what
// basic.nack returns is as redelivered as what a process died with, and counts towards the queue's x-delivery-limit.
// Only one that is redelivered already stays so.
func (c *consumer) giveBack(d amqp.Delivery) {
	if c.ch.IsClosed() {
		return // it will come again
	}
	rec := read(d, time.Now())
	if !d.Redelivered && c.store(context.Background(), rec.write(ReturnExchange, c.Name)) == nil {
		c.accept(d)
		return
	}
	c.nack(d)
}

// accept ends the delivery.
func (c *consumer) accept(d amqp.Delivery) { c.tell(func() error { return c.ack(d.DeliveryTag) }) }

// nack gives the delivery back as one that ended without an outcome.
func (c *consumer) nack(d amqp.Delivery) { c.tell(func() error { return c.reject(d.DeliveryTag) }) }

// tell settles deliveries. One whose settlement does not reach the broker will come again.
func (c *consumer) tell(settle func() error) {
	c.settling.RLock()
	defer c.settling.RUnlock()
	if err := settle(); err != nil {
		c.log.Info("the session ended before its deliveries were settled: they will come again", zap.Error(err))
	}
}
