package rabbitmq

import (
	"context"
	"math/rand/v2"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/broker"
)

const (
	// storeTime is how long one try to store a retry or a dead letter may take.
	storeTime = 10 * time.Second
	// storePatience is how long it is tried before the delivery is given back instead. Giving back counts towards the
	// queue's x-delivery-limit of 20, so it must not be quick while the broker takes nothing: an hour's memory alarm
	// should not make dead letters.
	storePatience = 3 * time.Minute
)

// carryOut is the only place that turns an outcome into what the broker is told.
func (r *route) carryOut(ctx context.Context, ch *amqp.Channel, d amqp.Delivery, rec record, o broker.Outcome) {
	now := time.Now()
	switch o.Verdict {
	case broker.VerdictAck:
		r.told(d.Ack(false), rec)
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
		r.giveBack(ctx, ch, d, rec)
	}
}

// settle stores the message that takes the delivery's place, then acknowledges the delivery: at every moment the event
// is in one of the two, and a crash in between leaves it in both. While it cannot be stored the delivery is held, and
// given back in the end or when ctx ends.
func (r *route) settle(ctx context.Context, ch *amqp.Channel, d amqp.Delivery, rec record, m message) {
	for began := time.Now(); !ch.IsClosed(); { // else the delivery will come again, and a copy would be one too many
		err := r.store(ctx, m)
		if err == nil {
			r.told(d.Ack(false), rec)
			return
		}
		if ctx.Err() != nil {
			r.giveBack(ctx, ch, d, rec)
			return
		}
		r.log.Warn("cannot store the event again; trying once more", zap.String("id", rec.event.ID), zap.Error(err))
		select {
		case <-time.After(time.Second + rand.N(time.Second)):
		case <-ctx.Done():
		}
		if time.Since(began) > storePatience {
			r.told(d.Reject(true), rec) // "this one failed", which RabbitMQ 4.3 tells from "I am leaving"
			return
		}
	}
}

func (r *route) store(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime) // a stop waits for what runs
	defer cancel()
	return r.publisher.publish(ctx, m)
}

// giveBack returns the delivery to its queue as it came. It is stored anew, behind the others: RabbitMQ counts what is
// merely returned towards the queue's x-delivery-limit, and would make a dead letter of what 20 stops have interrupted.
func (r *route) giveBack(ctx context.Context, ch *amqp.Channel, d amqp.Delivery, rec record) {
	if ch.IsClosed() {
		return // it will come again, and a copy would be one too many
	}
	if r.store(ctx, rec.write(broker.ReturnExchange, r.Name)) == nil {
		r.told(d.Ack(false), rec)
		return
	}
	if err := d.Nack(false, true); err != nil {
		r.log.Debug("delivery goes back with its session", zap.String("id", d.MessageId), zap.Error(err))
	}
}

// told takes note of an answer that did not reach the broker: the delivery will come again.
func (r *route) told(err error, rec record) {
	if err != nil {
		r.log.Info("the session ended before its delivery was settled: it will come again", zap.String("id", rec.event.ID), zap.Error(err))
	}
}
