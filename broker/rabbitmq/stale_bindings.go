package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// announceTime is how long a process that has just declared its bindings may need to write them to the ledger.
const announceTime = 2 * time.Second

// bindingsOf returns the bindings of routes for the ledger.
func bindingsOf(routes []broker.Route) ledger.Bindings {
	all := ledger.Bindings{}
	for _, r := range routes {
		all[r.Name] = r.Match
	}
	return all
}

// externalOf returns the names of the external routes for the ledger.
func externalOf(routes []broker.Route) (names []string) {
	for _, r := range routes {
		if r.External {
			names = append(names, r.Name)
		}
	}
	return names
}

// Unbind implements broker.Unbinder. It learns from the ledger which bindings processes have declared: AMQP cannot list them.
func (b *Broker) Unbind(ctx context.Context) (removed, remaining []broker.Binding, err error) {
	if removed, remaining, err = b.auditor.unbind(ctx); err != nil {
		return removed, remaining, fmt.Errorf("rabbitmq: unbind: %w", err)
	}
	return removed, remaining, nil
}

// stale returns the bindings that Unbind would look at.
func (b *Broker) stale(ctx context.Context) (bindings []broker.Binding, err error) {
	err = b.auditor.look(ctx, func(*session, *ledger.Book) error {
		bindings = list(b.auditor.staleNow())
		return nil
	})
	return bindings, err
}

// staleNow returns the stale bindings, without those of this configuration: a command has one that no process runs with yet.
func (a *auditor) staleNow() ledger.Bindings {
	stale, own := a.book.Stale(time.Now()), bindingsOf(a.routes)
	for route, patterns := range stale {
		patterns = slices.DeleteFunc(patterns, func(pattern string) bool { return slices.Contains(own[route], pattern) })
		if stale[route] = patterns; len(patterns) == 0 {
			delete(stale, route)
		}
	}
	return stale
}

// unbind removes the stale bindings. A process that declares one of them meanwhile may announce that too late, so unbind looks again
// after announceTime, and binds it.
func (a *auditor) unbind(ctx context.Context) (removed, remaining []broker.Binding, err error) {
	if err := a.begin(ctx); err != nil {
		return nil, nil, err
	}
	defer a.end()
	s, r, err := a.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer r.close()
	if err := a.catchUp(ctx, s, r); err != nil {
		return nil, nil, err
	}
	stale := a.staleNow()
	if len(stale) == 0 {
		return nil, nil, nil
	}
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	gone, kept, err := a.removeBindings(admin, stale)
	if err != nil || len(gone) == 0 {
		return nil, list(kept), err
	}
	select {
	case <-time.After(announceTime):
	case <-ctx.Done():
		return nil, list(kept), ctx.Err()
	}
	if err := a.catchUp(ctx, s, r); err != nil {
		return nil, list(kept), err
	}
	if err := restoreBindings(admin, gone, a.book.Declared(time.Now())); err != nil {
		return nil, list(kept), err
	}
	a.ledger.noteUnbound(gone)
	return list(gone), list(kept), nil
}

// removeBindings removes stale bindings. kept are those that it may not remove, and those of a queue that somebody consumes although
// no running process has its route.
func (a *auditor) removeBindings(admin *adminChannel, stale ledger.Bindings) (gone, kept ledger.Bindings, err error) {
	gone, kept = ledger.Bindings{}, ledger.Bindings{}
	declared := a.book.Declared(time.Now())
	for route, patterns := range stale {
		found, err := admin.queue(broker.WorkQueue(route))
		switch {
		case missing(err):
			gone[route] = patterns
			continue
		case err != nil:
			return gone, kept, fmt.Errorf("queue of route %s: %w", route, err)
		}
		if _, known := declared[route]; !known && found.Consumers > 0 {
			kept[route] = patterns
			continue
		}
		for _, pattern := range patterns {
			err := admin.unbind(route, pattern)
			switch {
			case err == nil || missing(err):
				gone[route] = append(gone[route], pattern)
			case forbidden(err):
				kept[route] = append(kept[route], pattern)
			default:
				return gone, kept, fmt.Errorf("unbind route %s from %s: %w", route, pattern, err)
			}
		}
	}
	return gone, kept, nil
}

// restoreBindings binds again those of gone that are declared now, and takes them out of gone.
func restoreBindings(admin *adminChannel, gone, declared ledger.Bindings) error {
	for route, patterns := range gone {
		gone[route] = slices.DeleteFunc(slices.Clone(patterns), func(pattern string) bool { return slices.Contains(declared[route], pattern) })
		for _, pattern := range patterns {
			if slices.Contains(gone[route], pattern) {
				continue
			}
			if err := admin.bind(route, pattern); err != nil {
				return fmt.Errorf("bind route %s to %s again: %w", route, pattern, err)
			}
		}
	}
	return nil
}

// list returns bindings sorted by route.
func list(all ledger.Bindings) (sorted []broker.Binding) {
	for _, route := range slices.Sorted(maps.Keys(all)) {
		for _, pattern := range all[route] {
			sorted = append(sorted, broker.Binding{Route: route, Pattern: pattern})
		}
	}
	return sorted
}
