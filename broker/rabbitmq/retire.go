package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

const (
	// retirePause is the time between two looks at the queues of a route that is being retired.
	retirePause = 500 * time.Millisecond
	// retireLooks is how many looks in a row have to find the queues empty. A message that RabbitMQ routed before the route was
	// unbound arrives between two of them.
	retireLooks = 6
)

// LeftOver implements broker.LeftOvers. It learns from the ledger which routes there were.
func (b *Broker) LeftOver(ctx context.Context) (infos []broker.QueueInfo, err error) {
	err = b.auditor.look(ctx, func(s *session, book *ledger.Book) error {
		admin := &adminChannel{conn: s.conn}
		defer admin.close()
		for _, route := range b.removedRoutes(book) {
			for _, q := range []broker.QueueInfo{{Name: broker.WorkQueue(route), Role: broker.RoleWork}, {Name: broker.DeadQueue(route), Role: broker.RoleDead}} {
				found, err := admin.queue(q.Name)
				if missing(err) {
					continue
				}
				if err != nil {
					return fmt.Errorf("queue %s: %w", q.Name, err)
				}
				q.Route, q.Waiting, q.Consumers, q.LeftOver = route, found.Messages, found.Consumers, true
				infos = append(infos, q)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: left-over routes: %w", err)
	}
	return infos, nil
}

// removedRoutes returns the routes of a book that the configuration lacks, sorted.
func (b *Broker) removedRoutes(book *ledger.Book) []string {
	routes := slices.DeleteFunc(book.Routes(), func(route string) bool { return route == broker.Unrouted || b.configures(route) })
	slices.Sort(routes)
	return routes
}

func (b *Broker) configures(route string) bool {
	return slices.ContainsFunc(b.routes, func(r broker.Route) bool { return r.Name == route })
}

// look reads the ledger and calls visit with its book. Without a ledger it does nothing.
func (a *auditor) look(ctx context.Context, visit func(*session, *ledger.Book) error) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	defer a.end()
	s, err := a.consume.await(ctx)
	if err != nil {
		return err
	}
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	if exists, err := admin.exists(LedgerStream); err != nil || !exists {
		return err // nothing was declared yet
	}
	s, r, err := a.read(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	if err := a.catchUp(ctx, s, r); err != nil {
		return err
	}
	return visit(s, a.book)
}

// Retire implements broker.LeftOvers. An event that comes back from a delay queue after the deletion is unrouted.
func (b *Broker) Retire(ctx context.Context, r broker.Retirement) (moved int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("rabbitmq: retire %s: %w", r.Route, err)
		}
	}()
	if b.configures(r.Route) {
		return 0, fmt.Errorf("%w: this configuration has it", broker.ErrRouteInUse)
	}
	if err := b.unbindRoute(ctx, r); err != nil {
		return 0, err
	}
	if r.ToUnrouted {
		for _, queue := range []string{broker.WorkQueue(r.Route), broker.DeadQueue(r.Route)} {
			n, err := b.moveToUnrouted(ctx, undeliveredQueue{queue, r.Route})
			moved += n
			if err != nil && !errors.Is(err, broker.ErrNoQueue) {
				return moved, err
			}
		}
	}
	if err := b.awaitEmpty(ctx, r.Route); err != nil {
		return moved, err
	}
	return moved, b.deleteRoute(ctx, r.Route)
}

// unbindRoute ends that a route gets new events.
func (b *Broker) unbindRoute(ctx context.Context, r broker.Retirement) error {
	return b.auditor.look(ctx, func(s *session, book *ledger.Book) error {
		if _, used := book.Declared(time.Now())[r.Route]; used {
			return fmt.Errorf("%w: a process has it in its configuration; restart all processes with the new one. One that crashed counts for up to %d minutes",
				broker.ErrRouteInUse, int(ledger.Silence.Minutes()))
		}
		admin := &adminChannel{conn: s.conn}
		defer admin.close()
		exists, err := admin.exists(broker.WorkQueue(r.Route))
		if err != nil {
			return err
		}
		if removed := b.removedRoutes(book); !exists && !slices.Contains(removed, r.Route) {
			return fmt.Errorf("no such route is known; the removed routes are: %s", cmp.Or(strings.Join(removed, ", "), "none"))
		}
		patterns, known := book.Patterns(r.Route)
		if patterns = append(patterns, r.Patterns...); !known && len(r.Patterns) == 0 {
			return errors.New("the ledger does not have its patterns, because it was removed before Hookline noted them: give those that it had with --match")
		}
		if !exists {
			return nil
		}
		for _, pattern := range patterns {
			if err := admin.unbind(r.Route, pattern); err != nil {
				return fmt.Errorf("unbind %s: %w", pattern, err)
			}
		}
		b.ledger.noteUnbound(ledger.Bindings{r.Route: patterns})
		return nil
	})
}

// moveToUnrouted moves all messages of a queue to the unrouted. At every moment each is in one of the two queues.
func (b *Broker) moveToUnrouted(ctx context.Context, from undeliveredQueue) (n int, err error) {
	err = b.browse(ctx, from, func(d amqp.Delivery) (decision, error) {
		e := from.read(d).Event
		m := message{UnroutedExchange, e.Key(), encode(e)}
		if err := b.publisher.publish(ctx, &m); err != nil {
			return keepMessage, fmt.Errorf("move %s: %w", e.ID, err)
		}
		b.ledger.noteMoved(e, from.route)
		n++
		return removeMessage, nil
	})
	return n, err
}

// awaitEmpty waits until a route has no events and no consumer.
func (b *Broker) awaitEmpty(ctx context.Context, route string) error {
	for empty := 0; empty < retireLooks; {
		left, err := b.eventsOf(ctx, route)
		if err != nil {
			return err
		}
		empty++
		if left != (routeEvents{}) {
			empty = 0
		}
		select {
		case <-time.After(retirePause):
		case <-ctx.Done():
			return fmt.Errorf("%w: %d wait, %d wait for another attempt, %d are dead letters, and %d consumers are on its queue",
				broker.ErrNotEmpty, left.waiting, left.retrying, left.dead, left.consumers)
		}
	}
	return nil
}

// routeEvents counts the events of a route.
type routeEvents struct{ waiting, retrying, dead, consumers int }

func (b *Broker) eventsOf(ctx context.Context, route string) (left routeEvents, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime) // also when the caller's time is up: the numbers belong to the answer
	defer cancel()
	err = b.auditor.look(ctx, func(s *session, book *ledger.Book) error {
		admin := &adminChannel{conn: s.conn}
		defer admin.close()
		work, err := admin.queue(broker.WorkQueue(route))
		if err != nil && !missing(err) {
			return err
		}
		dead, err := admin.depth(broker.DeadQueue(route))
		if err != nil {
			return err
		}
		book.Mark()
		totals := book.Totals(time.Now()).Routes[route]
		left = routeEvents{work.Messages, int(totals.Retrying + totals.Unkeyed), int(dead), work.Consumers} // unkeyed ones may be retrying
		return nil
	})
	return left, err
}

// deleteRoute deletes the empty queues of a route that gets no events.
func (b *Broker) deleteRoute(ctx context.Context, route string) error {
	s, err := b.consume.await(ctx)
	if err != nil {
		return err
	}
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	deleted := 0
	for _, queue := range []string{broker.WorkQueue(route), broker.DeadQueue(route)} {
		err := admin.do(func(ch *amqp.Channel) error {
			n, err := ch.QueueDelete(queue, false, false, false)
			deleted += n
			return err
		})
		if err != nil && !missing(err) {
			return fmt.Errorf("delete %s: %w", queue, err)
		}
	}
	if deleted > 0 {
		return fmt.Errorf("%d events arrived in its queues at the last moment and were deleted: a program published them to hookline.return, or bound the queue by a pattern of its own", deleted)
	}
	return nil
}
