package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// replayTime is how long a replay waits for the confirm of one event.
const replayTime = 10 * time.Second

// Replay implements broker.Undelivered. A replayed event can return to the queue during the call. So Replay keeps a second event with
// the same source, action and ID if it is unrouted, or if it died after the call began.
//
// If a full queue refuses an unrouted event, the event is a dead letter of this queue's route, because other routes have it. The error at
// the end of the call names such routes.
//
// The end of ctx ends Replay between two events, so that no event is in two queues because of it. A pick that ends ctx and returns true
// makes its event the last one. RabbitMQ tells a connection of an
// alarm only after the connection has published. So Replay writes to the ledger before it publishes the first event.
func (b *Broker) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (n int, err error) {
	from, began, replayed, full := undeliveredOf(route), time.Now(), map[broker.Fingerprint]bool{}, fullQueues{}
	err = b.browse(ctx, from, func(d amqp.Delivery) (decision, error) {
		u := from.read(d)
		if !pick(u) {
			return keepMessage, nil
		}
		fingerprint := broker.FingerprintOf(u.Event)
		cameBack := replayed[fingerprint] && (route == broker.Unrouted || u.Died.After(began))
		m, routes, ok := b.replayMessage(u)
		if cameBack || !ok {
			return keepMessage, nil
		}
		if err := b.flushFirst(ctx, len(replayed) == 0); err != nil {
			return keepMessage, fmt.Errorf("nothing was replayed: %w", err)
		}
		replayed[fingerprint] = true
		if err := b.replayOne(ctx, u, &m, routes, full); err != nil {
			return keepMessage, err
		}
		if route == broker.Unrouted {
			b.ledger.noteRouted(u.Event, routes)
		}
		n++
		return removeMessage, nil
	})
	return n, errors.Join(err, full.err())
}

// replayOne publishes the message of an event, which is unrouted if it has routes. It waits for the confirm after the end of ctx, too,
// because an event without it may be in two queues.
func (b *Broker) replayOne(ctx context.Context, u broker.UndeliveredEvent, m *message, routes []string, full fullQueues) error {
	publishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayTime)
	defer cancel()
	err := b.publisher.publish(publishing, m)
	if errors.Is(err, errNegative) && len(routes) > 0 {
		err = b.replayForEach(publishing, u.Event, routes, full)
	}
	if err != nil {
		return fmt.Errorf("replay %s: %w", u.Event.ID, b.explainReplay(err, m))
	}
	return nil
}

// explainReplay adds to the error of a message that takes the place of another one what a person can do.
func (b *Broker) explainReplay(err error, m *message) error {
	if errors.Is(err, errNegative) && m.exchange == ReturnExchange {
		return fmt.Errorf("%s is full: let workers drain it, or raise its limit, then run the command again: %w", m.key, err)
	}
	if !errors.Is(err, broker.ErrUnknown) {
		return err
	}
	err = fmt.Errorf("%w, so this one event may be in two queues, and a repeat runs it twice", err)
	if reason := b.Ready(); reason != nil {
		err = fmt.Errorf("%w: %w", reason, err)
	}
	return err
}

// flushFirst writes the ledger before the first message of a call. Its error says that RabbitMQ takes no messages now. The end of ctx is
// none: it ends the call behind this message.
func (b *Broker) flushFirst(ctx context.Context, first bool) error {
	if !first {
		return nil
	}
	if err := b.flushLedger(context.WithoutCancel(ctx)); errors.Is(err, broker.ErrBlocked) || errors.Is(err, broker.ErrDown) {
		return err
	}
	return nil
}

// replayForEach publishes e to the work queue of each route. For a full one it publishes a dead letter of the route.
func (b *Broker) replayForEach(ctx context.Context, e event.Event, routes []string, full fullQueues) error {
	for _, route := range routes {
		q := queuedEvent{event: e, attempt: 1}
		m := q.message(ReturnExchange, route)
		err := b.publisher.publish(ctx, &m)
		if errors.Is(err, errNegative) {
			q = q.failed(broker.GiveUp(broker.ReasonFull, err))
			q.died = time.Now()
			m = q.message(DeadExchange, route)
			if err = b.publisher.publish(ctx, &m); err == nil {
				full[route]++
			} else if errors.Is(err, errNegative) {
				err = fmt.Errorf("%s and %s are full: make room in one of them, then run the command again: %w", broker.WorkQueue(route), broker.DeadQueue(route), err)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fullQueues counts the replayed events that the full queues of routes refused.
type fullQueues map[string]int

// err returns an error that says how to go on, and nil if no queue was full.
func (f fullQueues) err() error {
	if len(f) == 0 {
		return nil
	}
	var text []string
	for _, route := range slices.Sorted(maps.Keys(f)) {
		text = append(text, fmt.Sprintf("the queue of route %s is full, and %d of the replayed events are dead letters of it: make room, then `hookline dead replay %[1]s --all`", route, f[route]))
	}
	return errors.New(strings.Join(text, "; "))
}

// replayMessage returns the message that replays an event, and the routes of an unrouted event. ok is false if no route matches it.
func (b *Broker) replayMessage(u broker.UndeliveredEvent) (m message, routes []string, ok bool) {
	if u.Route != broker.Unrouted {
		return queuedEvent{event: u.Event, attempt: 1}.message(ReturnExchange, u.Route), nil, true
	}
	key := u.Event.Key()
	routes = b.matcher.Match(key)
	return message{EventsExchange, key, encode(u.Event)}, routes, routes != nil
}
