package rabbitmq

import (
	"context"
	"fmt"

	"github.com/hookline/hookline/broker"
)

// Queues is broker.Inspector's. ctx is looked at between the broker's answers. Events that Dead or Replay look at right
// now are not counted as waiting.
func (l *Broker) Queues(ctx context.Context) ([]broker.QueueInfo, error) {
	s, err := l.consume.await(ctx)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: queues: %w", err)
	}
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	infos := make([]broker.QueueInfo, 0, len(l.topology.Queues))
	for _, q := range l.topology.Queues {
		if q.Role == roleLedger || q.Role == roleLeader {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("rabbitmq: queues: %w", err)
		}
		found, err := admin.queue(q.Name)
		if err != nil && !missing(err) {
			return nil, fmt.Errorf("rabbitmq: queue %s: %w", q.Name, err)
		}
		infos = append(infos, broker.QueueInfo{
			Name: q.Name, Role: q.Role, Route: q.Route, Missing: missing(err), Waiting: found.Messages, Consumers: found.Consumers,
		})
	}
	return infos, nil
}
