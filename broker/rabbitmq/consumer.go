package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// errCancelled says that RabbitMQ cancelled the consumer, as it does when the queue is deleted.
var errCancelled = errors.New("the broker cancelled the consumer: its queue was deleted or moved")

const (
	// extraPrefetch is added to twice the concurrency as the prefetch of a wide consumer. A consumer becomes wide when its handler
	// is so quick that done deliveries, which wait for their notes, would use up the prefetch.
	extraPrefetch = 64
	// quickHandling is the longest time in a handler after which a consumer may become wide. After a longer one fetched events
	// would wait here while another worker is idle.
	quickHandling = 100 * time.Millisecond
	// carefulTime is for how long a route keeps the small prefetch after a crashed or a large delivery came. The event of the first may
	// have ended its process, and another time it would take along all fetched deliveries.
	carefulTime = time.Minute
	// maxReturned bounds the identities of the messages that went back for lack of memory.
	maxReturned = 10_000
	// largeBody is the size in bytes of a large delivery: a wide consumer holds up to extraPrefetch of them and more.
	largeBody = 256 << 10
	// idleTime is how long a consumer stays idle before it is replaced; twice that at most. When a quorum queue is deleted and
	// declared again within milliseconds, RabbitMQ keeps its consumers, takes its own deliveries for repeats and drops them.
	// It sends them again when the consumers end.
	idleTime = 10 * time.Second
	// wideWait is about how long a fetched delivery may wait for a slot in a wide consumer: another worker could have it.
	wideWait = time.Second
	// fillTime is how long a consumer waits for a full prefetch before it is cancelled, and quietTime how long for each delivery.
	fillTime  = time.Second
	quietTime = 50 * time.Millisecond
	// settleTime is how long the channel stays open after its last settlement. RabbitMQ passes 32 settlements at a time to a
	// quorum queue. It keeps the others in the channel and drops them with it, so that done deliveries would count as crashed.
	settleTime = 300 * time.Millisecond
)

// consumer is one AMQP consumer of a route's queue, on a channel of its own.
type consumer struct {
	*channelSettler
	process broker.Process
	slots   chan struct{} // of all consumers of the consumption
	careful *atomic.Int64 // of the consumption
	bytes   *fetchedBytes // of the consumption

	wide       bool // has extraPrefetch
	wanted     int  // the prefetch if all bodies have room
	deliveries <-chan amqp.Delivery
	closed     <-chan *amqp.Error
	cancelled  <-chan string
	resize     chan struct{}   // capacity 1: a consumer with another prefetch should follow
	fetched    []*delivery     // they wait for a slot
	dropped    []*delivery     // without their bodies, for which there was no room
	returned   map[string]bool // of the consumption
	working    sync.WaitGroup  // deliveries that have a slot or are being settled
}

// openConsumer opens a consumer. Its prefetch is the route's concurrency, so that no event waits behind a running one while another
// worker is idle. A wide one has twice the concurrency and extraPrefetch. Large bodies make the prefetch smaller.
func openConsumer(s *session, c *consumption, wide bool) (*consumer, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	wanted := c.route.Concurrency
	if wide {
		wanted = 2*wanted + extraPrefetch
	}
	prefetch := c.bytes.fit(wanted, time.Now())
	queue := broker.WorkQueue(c.route.Name)
	opened := &consumer{
		channelSettler: &channelSettler{
			route: c.route.Name, ch: ch, acks: newAcknowledger(ch, prefetch, c.bytes),
			publisher: c.publisher, ledger: c.ledger, pause: &c.pause, log: c.log,
		},
		process: c.process, slots: c.slots, careful: &c.careful, bytes: c.bytes, returned: c.returned,
		wide: wide, wanted: wanted, resize: make(chan struct{}, 1),
		closed: ch.NotifyClose(make(chan *amqp.Error, 1)), cancelled: ch.NotifyCancel(make(chan string, 1)),
	}
	if err = ch.Qos(prefetch, 0, false); err != nil {
		err = fmt.Errorf("prefetch: %w", err)
	} else if opened.deliveries, err = ch.Consume(queue, c.route.Name, false, false, false, false, nil); err != nil {
		err = fmt.Errorf("consume: %w", err)
	}
	if err != nil {
		_ = ch.Close() // it may be closed already
		return nil, err
	}
	return opened, nil
}

// run consumes until the channel or ctx ends, or until a consumer with another prefetch should follow. Then wide is the size of
// the next consumer, and the error is nil. Handlers may still run; drain waits for them.
func (c *consumer) run(ctx context.Context) (wide bool, err error) {
	wide, err = c.receive(ctx)
	if err == nil {
		err = c.cancel()
	}
	if err != nil {
		_ = c.ch.Close() // all unsettled deliveries go back to the queue
		c.ledger.addHeld(c.route, -int64(len(c.fetched)+len(c.dropped)))
		return false, err
	}
	c.returnDropped()
	for _, d := range c.fetched {
		if c.wide || !c.startNext(ctx, d) {
			d.requeue()
			c.ledger.addHeld(c.route, -1)
		}
	}
	return wide, nil
}

// returnDropped returns the deliveries without bodies to the queue. RabbitMQ marks them as redelivered, and this process knows better.
// Another worker takes them for crashed once.
func (c *consumer) returnDropped() {
	if len(c.dropped) == 0 {
		return
	}
	if len(c.returned) > maxReturned {
		clear(c.returned) // other workers have taken most of them
	}
	for _, d := range c.dropped {
		c.returned[identity(d.message)] = true
		d.reject()
	}
	c.ledger.addHeld(c.route, -int64(len(c.dropped)))
	c.log.Info("events went back to the queue because they are larger than the free memory of the route: it now fetches fewer at once",
		zap.Int("events", len(c.dropped)), zap.Int64("bytes_of_the_route", c.bytes.limit))
}

// drain waits until all deliveries are settled, then closes the channel.
func (c *consumer) drain() {
	defer c.acks.end()
	c.working.Wait()
	if c.ch.IsClosed() {
		return
	}
	<-time.After(time.Until(c.acks.lastSettled().Add(settleTime)))
	_ = c.ch.Close()
}

// receive fetches deliveries and starts their handlers.
func (c *consumer) receive(ctx context.Context) (wide bool, err error) {
	pause := idleTime
	if c.wide {
		pause = wideWait
	}
	check := time.NewTicker(pause)
	defer check.Stop()
	for last, seen := uint64(0), uint64(0); ; { // tags of the newest delivery: now, and at the last check
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
				return false, endReason(c.cancelled, c.closed)
			}
			c.fetch(d)
			if len(c.dropped) > 0 {
				return false, nil
			}
			last = d.DeliveryTag
		case now := <-check.C:
			idle := last == seen && c.acks.empty()
			slow := c.wide && len(c.fetched) > 0 && c.fetched[0].message.DeliveryTag <= seen
			if roomier := c.bytes.fit(c.wanted, now) > c.acks.prefetch; idle || slow || roomier {
				return false, nil
			}
			seen = last
		case slots <- struct{}{}:
			c.start(ctx, c.fetched[0])
			c.fetched = c.fetched[1:]
		}
	}
}

func (c *consumer) fetch(message amqp.Delivery) {
	now, size := time.Now(), len(message.Body)
	if message.Redelivered && c.returned[identity(message)] {
		delete(c.returned, identity(message))
		message.Redelivered = false
	}
	d := &delivery{channelSettler: c.channelSettler, message: message}
	if c.bytes.take(size, now) {
		c.acks.add(message.DeliveryTag, size)
		c.fetched = append(c.fetched, d)
	} else {
		d.message.Body = nil
		c.acks.add(message.DeliveryTag, 0)
		c.dropped = append(c.dropped, d)
	}
	c.ledger.addHeld(c.route, 1)
	if size >= largeBody {
		c.keepSmall(now)
	}
}

// identity returns a text that only the message of this event has.
func identity(d amqp.Delivery) string {
	return d.RoutingKey + " " + d.AppId + "." + d.Type + " " + d.MessageId
}

// startNext starts the handler of d as soon as there is a slot. It returns false if ctx ends first.
func (c *consumer) startNext(ctx context.Context, d *delivery) bool {
	select {
	case c.slots <- struct{}{}:
		c.start(ctx, d)
		return true
	case <-ctx.Done():
		return false
	}
}

// start starts the handler of d in a slot that the caller has taken.
func (c *consumer) start(ctx context.Context, d *delivery) {
	c.working.Go(func() {
		began := time.Now()
		done := c.handle(ctx, d)
		quick := time.Since(began) <= quickHandling
		<-c.slots // the next handler can start while this delivery is settled
		if !done {
			return
		}
		halfHeld := c.acks.halfHeld()
		if halfHeld && quick {
			c.widen()
		}
		d.ackDone(halfHeld)
	})
}

// endReason returns the reason why the deliveries ended. amqp091-go sends the reason before it closes both channels.
func endReason(cancelled <-chan string, closed <-chan *amqp.Error) error {
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

// cancel ends the consumer, with a full prefetch if enough deliveries come.
//
// RabbitMQ needs a disk write for basic.cancel. It takes back the messages that it sends meanwhile, and they come again as
// redelivered, like those of a dead process. So cancel pauses the settling and storing of all consumers of the route: with a
// full prefetch RabbitMQ sends messages only after a settlement.
func (c *consumer) cancel() error {
	c.pause.Lock()
	defer c.pause.Unlock()
	c.fill()
	answer := make(chan error, 1)
	go func() { answer <- c.ch.Cancel(c.route, false) }() // the answer comes after the deliveries that are under way, which take memory
	for d := range c.deliveries {
		c.fetch(d)
	}
	return <-answer
}

// fill fetches until the prefetch is used up, until no delivery has come for quietTime, or until fillTime has passed. After a quiet
// time, a delivery at the moment of the cancel is unlikely.
func (c *consumer) fill() {
	end := time.After(fillTime)
	for !c.acks.full() {
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

// handle runs the handler of one delivery. It returns true if the event is done and the caller has to acknowledge the delivery. handle
// applies any other outcome before it returns. So the dead letters of a route with concurrency 1 are in the order of its events.
func (c *consumer) handle(ctx context.Context, d *delivery) (done bool) {
	defer func() {
		if !done {
			c.ledger.addHeld(c.route, -1)
		}
	}()
	if c.ch.IsClosed() {
		return false // it will come again on the next session
	}
	if ctx.Err() != nil {
		d.requeue()
		return false
	}
	now := time.Now()
	d.read(now)
	if d.crashed() {
		c.keepSmall(now)
	}
	if wait := d.queued.due.Sub(now); wait > shortWait {
		d.delay(ctx, wait)
		return false
	} else if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			d.requeue()
			return false
		}
	}
	c.ledger.addRunning(c.route, 1)
	o := c.process(context.WithoutCancel(ctx), event.Delivery{
		Event: d.queued.event, Route: c.route, Attempt: d.queued.attempt, Redelivered: d.message.Redelivered, GivenUp: d.queued.givenUp(),
	})
	c.ledger.addRunning(c.route, -1)
	if o.Verdict == broker.VerdictAck {
		return true
	}
	d.apply(ctx, o)
	return false
}

// widen asks for a wide consumer, unless a crashed or large delivery came within carefulTime.
func (c *consumer) widen() {
	if !c.wide && time.Since(time.Unix(0, c.careful.Load())) > carefulTime {
		c.requestResize()
	}
}

// keepSmall asks for a consumer with a small prefetch, for carefulTime at least.
func (c *consumer) keepSmall(now time.Time) {
	c.careful.Store(now.UnixNano())
	if c.wide {
		c.requestResize()
	}
}

func (c *consumer) requestResize() {
	select {
	case c.resize <- struct{}{}:
	default:
	}
}
