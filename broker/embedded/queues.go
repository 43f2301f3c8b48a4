package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
)

// retryName stands for all waiting retries: here they wait in one place, whatever their delay.
const retryName = "hookline.retry"

// Queues lists the work and dead queues of every route that is configured or still has something, what waits for a
// retry, and what is unrouted. Seen from another process than the line's own, what its workers hold seems to wait, and the
// consumers cannot be seen.
func (s *store) Queues(ctx context.Context) ([]broker.QueueInfo, error) {
	found, err := s.queries.count.QueryContext(ctx, time.Now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count the line's events: %w", explain(err))
	}
	defer found.Close()
	work, dead := map[string]int{}, map[string]int{}
	for _, r := range s.cfg.Routes {
		work[r.Name], dead[r.Name] = 0, 0
	}
	retries, unrouted := 0, 0
	for found.Next() {
		var state, route string
		var n, later int
		if err := found.Scan(&state, &route, &n, &later); err != nil {
			return nil, fmt.Errorf("count the line's events: %w", explain(err))
		}
		switch state {
		case stateUnrouted:
			unrouted += n
		case stateDead:
			work[route] += 0
			dead[route] += n
		default:
			work[route] += n - later
			retries += later
		}
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("count the line's events: %w", explain(err))
	}
	var all []broker.QueueInfo
	for _, route := range slices.Sorted(maps.Keys(work)) {
		all = append(all,
			broker.QueueInfo{Name: broker.WorkQueue(route), Role: broker.RoleWork, Route: route, Waiting: work[route], Consumers: broker.Unseen},
			broker.QueueInfo{Name: broker.DeadQueue(route), Role: broker.RoleDead, Route: route, Waiting: dead[route]})
	}
	return append(all,
		broker.QueueInfo{Name: retryName, Role: broker.RoleRetry, Waiting: retries},
		broker.QueueInfo{Name: broker.UnroutedQueue, Role: broker.RoleUnrouted, Waiting: unrouted}), nil
}

// Queues lists every queue; what this process's workers hold does not wait.
func (b *Broker) Queues(ctx context.Context) ([]broker.QueueInfo, error) {
	all, err := b.store.Queues(ctx)
	for i := range all {
		if all[i].Role != broker.RoleWork {
			continue
		}
		all[i].Consumers = 0
		q, ok := b.queues[all[i].Route]
		if !ok {
			continue
		}
		running, consumed := q.inHand()
		all[i].Waiting = max(0, all[i].Waiting-running)
		if consumed {
			all[i].Consumers = 1
		}
	}
	return all, err
}
