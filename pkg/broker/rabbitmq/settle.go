package rabbitmq

import (
	"context"
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/ledger"
)

const (
	// storeTime is how long one try to store a retry or a dead letter may take.
	storeTime = 10 * time.Second
	// storePatience is how long it is tried before the delivery is given back instead. Giving back counts towards the
	// queue's x-delivery-limit of 20, so it must not be quick while the broker takes nothing: an hour's memory alarm
	// should not make dead letters.
	storePatience = 3 * time.Minute
)

// done ends the delivery of an event whose work is done. That is in the ledger first.
func (r *route) done(d amqp.Delivery, rec record) {
	r.clerk.finished(ledger.Done, rec.event, r.Name)
	r.ack(d)
}

// carryOut turns any other outcome into what the broker is told.
func (r *route) carryOut(ctx context.Context, ch *amqp.Channel, d amqp.Delivery, rec record, o broker.Outcome) {
	now := time.Now()
	switch o.Verdict {
	case broker.VerdictRetry:
		rec = rec.failed(o)
		rec.attempt++
		rec.due = now.Add(o.After).Truncate(time.Millisecond).Add(time.Millisecond) // never early, whole on the wire
		r.settle(ctx, ch, d, rec, rec.write(parkAt(o.After), r.Name))
	case broker.VerdictDead:
		rec = rec.failed(o)
		rec.due, rec.died = time.Time{}, now
		r.settle(ctx, ch, d, rec, rec.write(broker.DeadExchange, r.Name))
	default:
		r.giveBack(ch, d)
	}
}

// settle stores the message that takes the delivery's place, then acknowledges the delivery: at every moment the event
// is in one of the two, and a crash in between leaves it in both. While it cannot be stored the delivery is held, and
// given back in the end or when ctx ends.
func (r *route) settle(ctx context.Context, ch *amqp.Channel, d amqp.Delivery, rec record, m message) {
	for began := time.Now(); !ch.IsClosed(); { // else the delivery will come again, and a copy would be one too many
		err := r.store(ctx, m)
		if err == nil {
			if !rec.due.IsZero() {
				r.clerk.retrying(rec.event, r.Name)
			}
			r.ack(d)
			return
		}
		if ctx.Err() != nil {
			r.nack(d)
			return
		}
		r.log.Warn("cannot store the event again; trying once more", zap.String("id", rec.event.ID), zap.Error(err))
		select {
		case <-time.After(time.Second + rand.N(time.Second)):
		case <-ctx.Done():
		}
		if time.Since(began) > storePatience {
			r.nack(d)
			return
		}
	}
}

func (r *route) store(ctx context.Context, m message) error {
	r.settling.RLock()
	defer r.settling.RUnlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime) // a stop waits for what runs
	defer cancel()
	return r.publisher.publish(ctx, m)
}

// giveBack returns the delivery to its queue as it came, behind the others. It is stored again and acknowledged: what
// basic.nack returns is as redelivered as what a process died with, and counts towards the queue's x-delivery-limit.
// Only one that is redelivered already stays so.
func (r *route) giveBack(ch *amqp.Channel, d amqp.Delivery) {
	if ch.IsClosed() {
		return // it will come again
	}
	rec := read(d, time.Now())
	if !d.Redelivered && r.store(context.Background(), rec.write(broker.ReturnExchange, r.Name)) == nil {
		r.ack(d)
		return
	}
	r.nack(d)
}

// ack ends the delivery.
func (r *route) ack(d amqp.Delivery) { r.tell(d, func() error { return d.Ack(false) }) }

// nack gives the delivery back as one that ended without an outcome.
func (r *route) nack(d amqp.Delivery) { r.tell(d, func() error { return d.Reject(true) }) }

// tell settles a delivery. One whose settlement does not reach the broker will come again.
func (r *route) tell(d amqp.Delivery, settle func() error) {
	r.settling.RLock()
	defer r.settling.RUnlock()
	if err := settle(); err != nil {
		r.log.Info("the session ended before its delivery was settled: it will come again", zap.String("id", d.MessageId), zap.Error(err))
	}
}
