package rabbitmq

import (
	"context"
	"maps"
	"slices"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// undeclaredQueues returns the queues that are bound to the events, and that neither this configuration nor one before declares. It
// returns none if the management API cannot be asked: their events then look lost.
func (a *auditor) undeclaredQueues(ctx context.Context, book *ledger.Book) (queues []broker.UndeclaredQueue) {
	if a.api == nil {
		return nil
	}
	bindings, err := a.api.bindings(ctx, EventsExchange)
	if err != nil {
		a.log.Warn("queues that no configuration declares cannot be looked for", zap.Error(err))
		return nil
	}
	declared := map[string]bool{}
	for _, route := range book.Routes() {
		declared[broker.WorkQueue(route)] = true
	}
	for _, route := range a.routes {
		declared[broker.WorkQueue(route.Name)] = true
	}
	patterns := map[string][]string{}
	for _, b := range bindings {
		if !declared[b.Destination] {
			patterns[b.Destination] = append(patterns[b.Destination], b.Key)
		}
	}
	for _, queue := range slices.Sorted(maps.Keys(patterns)) {
		queues = append(queues, broker.UndeclaredQueue{Queue: queue, Patterns: patterns[queue]})
	}
	return queues
}
