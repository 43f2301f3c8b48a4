package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// PublishSpooled stores an event as Publish does, on a channel that no event of Publish uses, and one event at a time. With routes it stores
// the event for these only. If the connection is lost before the confirm it returns broker.ErrUnknown, and does not publish again.
func (b *Broker) PublishSpooled(ctx context.Context, e event.Event, routes []string) error {
	return b.store(ctx, e, routes, b.spooled.publish)
}

// publishOne publishes one message, and returns nil after its confirm.
type publishOne func(context.Context, *message) error

// store stores e for routes, or for all that match it if there are none. RabbitMQ says that one of the queues of a message refused it, and
// not which. So store then publishes e to each queue alone, also to those of routes that only other processes have.
func (b *Broker) store(ctx context.Context, e event.Event, routes []string, publish publishOne) error {
	fingerprint := broker.FingerprintOf(e)
	if b.recent != nil && b.recent.Has(fingerprint, e.Time) {
		return fmt.Errorf("rabbitmq: %w", broker.ErrDuplicate)
	}
	m, err := newEventMessage(e)
	if err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	if routes == nil {
		routes = b.lacking(e)
	}
	if routes == nil {
		err = publish(ctx, &m)
		if err == nil {
			b.remember(fingerprint, e)
			b.ledger.noteAccepted(e, b.matcher.Match(m.key))
			return nil
		}
		if errors.Is(err, errNegative) {
			routes = b.bound(m.key)
		}
		if len(routes) == 0 {
			return fmt.Errorf("rabbitmq: %w", err)
		}
	}
	if err := b.storeForEach(ctx, e, routes, publish); err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	return nil
}

// bound returns the routes that match a key: first those of this configuration, then those that only other running processes have.
func (b *Broker) bound(key string) []string {
	routes := b.matcher.Match(key)
	for _, route := range b.peers.match(key) {
		if !slices.Contains(routes, route) {
			routes = append(routes, route)
		}
	}
	return routes
}

// lacking returns the routes that lack e, and nil if all may lack it. A route may be gone since, from this configuration and from those of
// the other running processes: the bindings decide about an event that such a route lacks.
func (b *Broker) lacking(e event.Event) []string {
	routes := b.partly.lacking(broker.FingerprintOf(e), e.Time)
	for _, route := range routes {
		if !b.configures(route) && !b.peers.have(route) {
			return nil
		}
	}
	return routes
}

// storeForEach publishes e to the work queue of each route. Its error is a broker.PartlyError, unless this user may not do that.
func (b *Broker) storeForEach(ctx context.Context, e event.Event, routes []string, publish publishOne) error {
	var stored, lacking []string
	var refused error
	for _, route := range routes {
		m := queuedEvent{event: e, attempt: 1}.message(ReturnExchange, route)
		if err := publish(ctx, &m); forbidden(err) {
			return fmt.Errorf("one of the queues is full, and this user may not publish to each alone; give it the permission to write %s: %w", ReturnExchange, err)
		} else if err != nil {
			lacking = append(lacking, route)
			if refused == nil {
				refused = err
			}
			continue
		}
		stored = append(stored, route)
	}
	if len(stored) > 0 {
		matching := b.bound(e.Key())
		b.ledger.notePartly(e, stored, lacking, len(matching) > 0 && slices.Contains(stored, matching[0])) // so that one note of the event counts it
	}
	if b.recent != nil && b.partly.set(broker.FingerprintOf(e), e.Time, stored, lacking) {
		b.remember(broker.FingerprintOf(e), e)
	}
	if refused != nil {
		return &broker.PartlyError{Routes: lacking, Err: refused}
	}
	return nil
}

// remember remembers an event that all its routes have.
func (b *Broker) remember(fingerprint broker.Fingerprint, e event.Event) {
	if b.recent != nil {
		b.recent.Add(fingerprint, e.Time)
	}
}
