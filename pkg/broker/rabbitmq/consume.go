package rabbitmq

import (
	"cmp"
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

var (
	// errCancelled says that the broker ended the consumer, as it does when the queue is deleted.
	errCancelled = errors.New("the broker cancelled the consumer: its queue was deleted or moved")
	// errStarved says that the broker has forgotten the consumer, as RabbitMQ does when a quorum queue is deleted and made
	// again within milliseconds: nobody is told, and what it sends it takes for repeats and drops.
	errStarved = errors.New("events wait in the queue and the broker sends none")
)

// idlePause is the time between two looks into the queue of a consumer that has nothing in hand.
const idlePause = 10 * time.Second

// route is one call of Consume: what all its sessions share.
type route struct {
	broker.Route
	publisher *publisher
	clerk     *clerk
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
	var fetched []amqp.Delivery // what waits here for a slot; at most the prefetch
	defer func() { r.clerk.hold(r.Name, -int64(len(fetched))) }()
	idle := time.NewTicker(idlePause)
	defer idle.Stop()
	for starved := false; ; {
		var slots chan<- struct{}
		if len(fetched) > 0 {
			slots = r.slots
		}
		select {
		case <-ctx.Done():
			return r.stop(ch, fetched, deliveries)
		case d, ok := <-deliveries:
			if !ok {
				return whyEnded(cancelled, closed)
			}
			fetched, starved = append(fetched, d), false
			r.clerk.hold(r.Name, 1)
		case <-idle.C:
			before := starved
			if starved, err = r.starves(ch); err != nil || starved && before {
				return cmp.Or(err, errStarved)
			}
		case slots <- struct{}{}:
			d := fetched[0]
			fetched = fetched[1:]
			r.running.Go(func() {
				settle := r.handle(ctx, ch, d)
				<-r.slots // the next can start while this one is settled
				settle()
			})
		}
	}
}

// starves tells whether events wait in the queue although this consumer has room for them, which lasts no longer than their
// way here.
func (r *route) starves(ch *amqp.Channel) (bool, error) {
	if r.clerk.holds(r.Name) {
		return false, nil
	}
	q, err := ch.QueueDeclarePassive(broker.WorkQueue(r.Name), true, false, false, false, nil)
	if err != nil {
		return false, fmt.Errorf("look into the queue: %w", err)
	}
	return q.Messages > 0, nil
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
func (r *route) stop(ch *amqp.Channel, fetched []amqp.Delivery, deliveries <-chan amqp.Delivery) error {
	r.settling.Lock()
	last, found, err := ch.Get(broker.WorkQueue(r.Name), false)
	if err == nil {
		err = ch.Cancel(r.Name, false)
	}
	r.settling.Unlock()
	if err == nil {
		for _, d := range fetched {
			r.giveBack(ch, d)
		}
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

// handle takes one delivery from its arrival to its outcome, and returns what is to be done about it.
func (r *route) handle(ctx context.Context, ch *amqp.Channel, d amqp.Delivery) (settle func()) {
	if ch.IsClosed() {
		return r.released(func() {}) // it will come again on the next session
	}
	if ctx.Err() != nil {
		return r.released(func() { r.giveBack(ch, d) })
	}
	now := time.Now()
	rec := read(d, now)
	if wait := rec.due.Sub(now); wait > shortWait {
		return r.released(func() { r.settle(ctx, ch, d, rec, rec.write(parkAt(wait), r.Name)) })
	} else if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return r.released(func() { r.giveBack(ch, d) })
		}
	}
	r.clerk.work(r.Name, 1)
	o := r.process(context.WithoutCancel(ctx), event.Delivery{
		Event: rec.event, Route: r.Name, Attempt: rec.attempt, Redelivered: d.Redelivered,
	})
	r.clerk.work(r.Name, -1)
	if o.Verdict == broker.VerdictAck {
		return func() { r.done(d, rec) }
	}
	return r.released(func() { r.carryOut(ctx, ch, d, rec, o) })
}

// released is settle, and then the delivery is not ours any more.
func (r *route) released(settle func()) func() {
	return func() {
		settle()
		r.clerk.hold(r.Name, -1)
	}
}
