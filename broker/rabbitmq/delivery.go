package rabbitmq

import (
	"context"
	"errors"
	"fmt"
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
	// storePatience is for how long a delivery tries to store its retry or dead letter before it is rejected instead. A
	// rejection counts towards the queue's x-delivery-limit of 20. So it has to be slow while RabbitMQ stores nothing: an
	// hour's memory alarm should not make dead letters.
	storePatience = 3 * time.Minute
	// fullPause is the time until a dead letter is stored again that its queue has refused, because a policy bounds its length.
	fullPause = time.Minute
)

// delivery is a message that a consumer has fetched from its route's queue. It is settled once, by ackDone, apply,
// delay or requeue, on the channel that brought it. A delivery whose channel has ended comes again.
type delivery struct {
	*channelSettler
	message amqp.Delivery
	queued  queuedEvent // set by read
}

// read decodes the message.
func (d *delivery) read(now time.Time) {
	d.queued = readQueuedEvent(d.message, now)
	if !d.queued.givenUp() {
		d.queued.died = time.Time{}
	}
}

// crashed reports whether an attempt at the event ended with its process or connection.
func (d *delivery) crashed() bool {
	return d.message.Redelivered || d.queued.reason == broker.ReasonCrashed
}

// ackDone settles the delivery of an event that is done. The ledger has to know first: the first delivery of a batch of
// notes waits until the batch is written, then acknowledges all deliveries of the batch.
func (d *delivery) ackDone(flush bool) {
	batch := d.ledger.noteFinished(flush, ledger.Done, d.queued.event, d.route)
	if first := d.acks.hold(batch, d.message.DeliveryTag); !first {
		return
	}
	d.ledger.await(batch)
	tags := d.acks.release(batch)
	d.settle(func() error { return d.acks.ack(tags...) })
}

// apply settles the delivery by an outcome other than Ack.
func (d *delivery) apply(ctx context.Context, o broker.Outcome) {
	now := time.Now()
	switch o.Verdict {
	case broker.VerdictRetry:
		d.queued = d.queued.failed(o)
		d.queued.attempt++
		d.postpone(ctx, now, o.After)
	case broker.VerdictPostpone:
		d.postpone(ctx, now, o.After)
	case broker.VerdictDead:
		if !d.queued.givenUp() {
			d.queued = d.queued.failed(o)
			d.queued.died = now
		}
		d.storeDeadLetter(ctx, o)
	default:
		d.requeue()
	}
}

// storeDeadLetter stores the dead letter. While its queue refuses it, the event waits in the delay queues instead, so that the other events of the
// route go on.
func (d *delivery) storeDeadLetter(ctx context.Context, o broker.Outcome) {
	letter := d.queued
	letter.due = time.Time{}
	switch err := d.replace(ctx, letter.message(DeadExchange, d.route)); {
	case err == nil:
		o.Settle(nil)
	case errors.Is(err, errNegative):
		d.log.Error("the queue of the dead letters is full, so the event waits: replay or discard dead letters, or raise the policy's max-length",
			zap.String("queue", broker.DeadQueue(d.route)), zap.String("id", d.queued.event.ID), zap.Duration("again_in", fullPause), zap.Error(err))
		o.Settle(err)
		d.postpone(ctx, time.Now(), fullPause)
	}
}

// postpone moves the event to the delay queues for its next attempt.
func (d *delivery) postpone(ctx context.Context, now time.Time, after time.Duration) {
	d.queued.due = now.Add(after).Truncate(time.Millisecond).Add(time.Millisecond) // never early, and whole milliseconds in the header
	d.delay(ctx, after)
}

// delay moves the event to the delay queues.
func (d *delivery) delay(ctx context.Context, after time.Duration) {
	_ = d.replace(ctx, d.queued.message(delayExchange(after), d.route)) // it logs its errors
}

// replace stores the message that takes the delivery's place, then acknowledges the delivery. So the event is in one of the
// two at every moment, and a crash in between leaves it in both. Until the message is stored the delivery is held. It is
// rejected after storePatience, or at the first failure after the end of ctx. If the queue of a dead letter refuses it, replace returns
// errNegative, and the delivery is unsettled.
func (d *delivery) replace(ctx context.Context, m message) error {
	for began := time.Now(); !d.ch.IsClosed(); { // a delivery whose channel is closed comes again, and would be there twice
		err := d.store(ctx, m)
		if m.exchange == DeadExchange && errors.Is(err, errNegative) {
			return err
		}
		if err == nil {
			if !d.queued.due.IsZero() {
				d.ledger.noteRetrying(d.queued.event, d.route)
			}
			d.ack()
			return nil
		}
		if ctx.Err() != nil {
			d.reject()
			return err
		}
		d.log.Warn("cannot store the event for its next attempt, or as a dead letter; trying again", zap.String("id", d.queued.event.ID), zap.Error(err))
		select {
		case <-time.After(time.Second + rand.N(time.Second)):
		case <-ctx.Done():
		}
		if time.Since(began) > storePatience {
			d.reject()
			return fmt.Errorf("not stored in %v: %w", storePatience, err)
		}
	}
	return amqp.ErrClosed
}

// requeue returns the delivery to the end of its queue, unchanged. It stores the event again and acknowledges the delivery,
// because RabbitMQ marks a rejected message as redelivered, like one whose process died, and counts it towards the queue's
// x-delivery-limit. A delivery that is redelivered already is rejected, so that it stays marked.
func (d *delivery) requeue() {
	if d.ch.IsClosed() {
		return // it will come again
	}
	d.read(time.Now())
	if !d.message.Redelivered && d.store(context.Background(), d.queued.message(ReturnExchange, d.route)) == nil {
		d.ack()
		return
	}
	d.reject()
}

func (d *delivery) ack() {
	d.settle(func() error { return d.acks.ack(d.message.DeliveryTag) })
}

func (d *delivery) reject() {
	d.settle(func() error { return d.acks.reject(d.message.DeliveryTag) })
}
