package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Redeliver implements broker.Redeliverer: for all routes, in one transaction, or for none. Another process notices within a second. It returns
// broker.ErrBlocked if the file has its largest size.
func (s *store) Redeliver(ctx context.Context, e event.Event, routes []string) error {
	if len(routes) == 0 {
		return fmt.Errorf("redeliver %s: no route is given", e.ID)
	}
	for _, route := range routes {
		if !slices.ContainsFunc(s.cfg.Routes, func(r broker.Route) bool { return r.Name == route }) {
			return fmt.Errorf("redeliver %s: route %q is not in the configuration", e.ID, route)
		}
	}
	if e.ID == "" || e.Source == "" || e.Action == "" {
		return errors.New("redeliver: the event lacks its ID, source or action")
	}
	if err := s.write.do(ctx, insertAgain(e, routes)); err != nil {
		return fmt.Errorf("redeliver %s: %w", e.ID, err)
	}
	return nil
}

// Redeliver implements broker.Redeliverer. Workers of this process notice at once.
func (b *Broker) Redeliver(ctx context.Context, e event.Event, routes []string) error {
	if err := b.store.Redeliver(ctx, e, routes); err != nil {
		return err
	}
	for _, route := range routes {
		b.queues[route].wake()
	}
	return nil
}
