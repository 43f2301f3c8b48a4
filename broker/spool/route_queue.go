package spool

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// queuePrefix is the prefix of the store's queues for the events that one route lacks. No name of a route has its last character.
const queuePrefix = "route:"

// queues returns the store's queues of routes.
func queues(routes []string) []string {
	names := make([]string, 0, len(routes))
	for _, route := range routes {
		names = append(names, queuePrefix+route)
	}
	return names
}

// routeOf returns the route of a queue of the store.
func routeOf(queue string) string { return strings.TrimPrefix(queue, queuePrefix) }

// lacking returns the routes that lack an event after an error of its publish, and nil if all may lack it. It returns nil, too, if one of
// the routes has no queue here, because only another process has it: the broker knows which routes lack the event.
func (s *Spool) lacking(err error) []string {
	var partly *broker.PartlyError
	if !errors.As(err, &partly) {
		return nil
	}
	direct := s.store.Direct()
	for _, queue := range queues(partly.Routes) {
		if !slices.Contains(direct, queue) {
			return nil
		}
	}
	return partly.Routes
}

// drainRoute returns a Process that publishes an event to a route that lacks it. It waits until the route's queue takes the event, so that
// the later events of the route stay behind it. It doubles the pause after each try, up to 1<<maxDoublings seconds.
func (s *Spool) drainRoute(route string, stop <-chan struct{}) broker.Process {
	return func(ctx context.Context, d event.Delivery) broker.Outcome {
		for tries := 0; ; {
			pause := readyPause
			if s.broker.Ready() == nil {
				if s.republish(ctx, d.Event, []string{route}) == nil {
					return broker.Ack()
				}
				pause = time.Second << min(tries, maxDoublings)
				tries++
			}
			select {
			case <-time.After(pause):
			case <-stop:
				return broker.Requeue()
			}
		}
	}
}
