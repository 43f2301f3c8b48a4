package rabbitmq

import (
	"context"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// requeueChunk is the largest number of messages that a browse requeues at once. A channel forwards 32 requeued messages
// in order. It buffers further ones unordered until the queue has written those.
const requeueChunk = 32

// requeueTimeout bounds the wait until a queue has written a chunk of requeued messages.
const requeueTimeout = time.Second

// connectTimeout bounds the wait of a browse for a connection, since the browse itself can take much longer.
const connectTimeout = 10 * time.Second

// decision is the way a browse goes on after a message.
type decision int

const (
	keepMessage    decision = iota
	removeMessage           // ack it
	discardMessage          // ack it; the ledger writer has a note of it
	stopBrowsing            // keep it, and visit no more
)

// browser gets messages from the head of a queue, one after the other, and requeues those that stay at the end, in their order.
//
// A queue delivers requeued messages before all others, and appends each requeued message to them. So a browse that stops early
// keeps the order only if it gets all messages that an earlier browse has requeued. RabbitMQ marks them as Redelivered.
//
// A browser is no consumer, and the queue's x-delivery-limit is out of reach, so browsing loses no message.
type browser struct {
	ch    *amqp.Channel
	queue string
	held  []uint64 // delivery tags of messages that stay
}

// browse visits the messages of a queue until visit returns stopBrowsing or the queue is empty. It goes by basic.get alone, because
// the length of a queue lags behind requeued messages. Two processes that browse a queue at the same time each get a part of it.
func (b *Broker) browse(ctx context.Context, from undeliveredQueue, visit func(amqp.Delivery) (decision, error)) (err error) {
	b.browsing.Lock()
	defer b.browsing.Unlock()
	defer func() {
		if err != nil {
			err = fmt.Errorf("rabbitmq: %s: %w", from.name, err)
		}
	}()
	queue, err := b.openBrowser(ctx, from.name)
	if err != nil {
		return err
	}
	holding := map[string]int64{} // by route
	defer func() {
		if closeErr := queue.close(); err == nil {
			err = closeErr
		}
		for route, n := range holding {
			b.ledger.addHeld(route, -n)
		}
	}()
	for stopped := false; ; {
		d, ok, err := queue.get(ctx)
		if err != nil || !ok {
			return err
		}
		route := from.routeOf(d)
		holding[route]++
		b.ledger.addHeld(route, 1)
		next := keepMessage
		if !stopped {
			if next, err = visit(d); err != nil {
				queue.held = append(queue.held, d.DeliveryTag)
				return err
			}
		}
		switch next {
		case discardMessage:
			holding[route]--
			fallthrough
		case removeMessage:
			if err := d.Ack(false); err != nil {
				return err
			}
			continue
		case stopBrowsing:
			stopped = true
		}
		queue.held = append(queue.held, d.DeliveryTag)
		if stopped && !d.Redelivered {
			return nil
		}
	}
}

// openBrowser opens a channel for browsing a queue.
func (b *Broker) openBrowser(ctx context.Context, queue string) (*browser, error) {
	connecting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s, err := b.consume.await(connecting)
	if err != nil {
		return nil, err
	}
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, err
	}
	return &browser{ch: ch, queue: queue}, nil
}

// close requeues all messages that were not acknowledged, and closes the channel.
func (b *browser) close() error {
	err := b.requeue()
	_ = b.ch.Close() // requeues the rest
	return err
}

// get returns the next message of the queue, and false if the queue is empty.
func (b *browser) get(ctx context.Context) (d amqp.Delivery, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return d, false, err
	}
	d, ok, err = b.ch.Get(b.queue, false)
	if missing(err) {
		return d, false, fmt.Errorf("%w; receivers and workers make it when they connect, `hookline topology apply` makes it now", broker.ErrNoQueue)
	}
	return d, ok, err
}

// requeue returns the held messages to the queue. It waits for the queue between two chunks, so that they keep their order, as long as
// no other process takes messages from the queue.
func (b *browser) requeue() error {
	if len(b.held) == 0 {
		return nil
	}
	ready, err := b.ready()
	if err != nil {
		return err
	}
	waits := true
	for chunk := range slices.Chunk(b.held, requeueChunk) {
		if err := b.ch.Nack(chunk[len(chunk)-1], true, true); err != nil {
			return err
		}
		ready += len(chunk)
		for until := time.Now().Add(requeueTimeout); waits; {
			n, err := b.ready()
			if err != nil {
				return err
			}
			if n >= ready {
				break
			}
			waits = time.Now().Before(until)
		}
	}
	return nil
}

// ready returns the number of messages in the queue that nobody holds.
func (b *browser) ready() (int, error) {
	q, err := b.ch.QueueDeclarePassive(b.queue, true, false, false, false, nil)
	return q.Messages, err
}
