package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/event"
)

// errCancelled says that the broker ended the consumer, as it does when the queue is deleted.
var errCancelled = errors.New("the broker cancelled the consumer: its queue was deleted or moved")

// route is one call of Consume: what all its sessions share.
type route struct {
	broker.Route
	publisher *publisher
	process   broker.Process
	log       *zap.Logger

	slots    chan struct{}  // one for each call of process that may run, whichever session brought the delivery
	running  sync.WaitGroup // deliveries that are being handled
	settling sync.RWMutex   // read: telling the broker what becomes of a delivery; written: see stop
}

// consume brings the route's events until ctx ends, session after session.
func (r *route) consume(ctx context.Context, l *link) error {
	defer r.running.Wait()
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, maxPause, 2
	for pauses.Reset(); ; {
		s, err := l.await(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("consume %s: %w", r.Name, err)
		}
		began := time.Now()
		err = r.consumeOn(ctx, s)
		if ctx.Err() != nil {
			return nil
		}
		if s.conn.IsClosed() { // the link knows, says why and makes the next
			<-s.over
			continue
		}
		if time.Since(began) > settled {
			pauses.Reset()
		}
		pause := min(pauses.NextBackOff(), maxPause)
		r.log.Warn("consumer ended; trying again", zap.Error(err), zap.Duration("in", pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		if err := l.declarer.declare(s.conn); err != nil { // the queue may have to be made again
			r.log.Warn("topology cannot be declared", zap.Error(err))
		}
	}
}

// consumeOn consumes on a channel of its own until the channel, the session or ctx ends.
func (r *route) consumeOn(ctx context.Context, s *session) error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	defer func() { _ = ch.Close() }() // whatever is not settled goes back to the queue
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	cancelled := ch.NotifyCancel(make(chan string, 1))
	if err := ch.Qos(2*r.Concurrency, 0, false); err != nil {
		return fmt.Errorf("prefetch: %w", err)
	}
	deliveries, err := ch.Consume(broker.WorkQueue(r.Name), r.Name, false, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	for {
		select {
		case <-ctx.Done():
			return r.stop(ch, deliveries)
		case d, ok := <-deliveries:
			if !ok {
				return whyEnded(cancelled, closed)
			}
			select {
			case r.slots <- struct{}{}:
				r.running.Go(func() {
					defer func() { <-r.slots }()
					r.handle(ctx, ch, d)
				})
			case <-s.over: // it will come again
			case <-ctx.Done():
				r.giveBack(ch, d)
			}
		}
	}
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

// stop is the two-step stop: no new deliveries, what was fetched goes back, what runs is waited for and settled.
//
// amqp091-go drops what still arrives after the consumer's end, which would come again as if we had died with it. So
// nothing is settled or stored meanwhile, and before the end comes a Get: when it is answered, RabbitMQ has sent
// whatever there was room for. What somebody else publishes in just that moment may still be dropped.
func (r *route) stop(ch *amqp.Channel, deliveries <-chan amqp.Delivery) error {
	r.settling.Lock()
	last, found, err := ch.Get(broker.WorkQueue(r.Name), false)
	if err == nil {
		err = ch.Cancel(r.Name, false)
	}
	r.settling.Unlock()
	if err == nil {
		for d := range deliveries {
			r.giveBack(ch, d)
		}
		if found {
			r.giveBack(ch, last)
		}
	}
	r.running.Wait()
	return err
}

// handle takes one delivery from its arrival to its settlement.
func (r *route) handle(ctx context.Context, ch *amqp.Channel, d amqp.Delivery) {
	if ch.IsClosed() {
		return // it will come again on the next session
	}
	if ctx.Err() != nil {
		r.giveBack(ch, d)
		return
	}
	now := time.Now()
	rec := read(d, now)
	if wait := rec.due.Sub(now); wait > shortWait {
		r.settle(ctx, ch, d, rec, rec.write(parkAt(wait), r.Name))
		return
	} else if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			r.giveBack(ch, d)
			return
		}
	}
	r.carryOut(ctx, ch, d, rec, r.process(context.WithoutCancel(ctx), event.Delivery{
		Event: rec.event, Route: r.Name, Attempt: rec.attempt, Redelivered: d.Redelivered,
	}))
}
