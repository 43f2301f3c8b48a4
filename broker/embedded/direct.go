package embedded

import (
	"context"
	"fmt"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// moveTo is the error in the outcome of MoveTo.
type moveTo struct{ queues []string }

// Error implements error.
func (m moveTo) Error() string { return fmt.Sprintf("moved to %v", m.queues) }

// MoveTo returns the outcome that moves a delivery to queues of Config.Direct, in one transaction. Other brokers retry at once.
func MoveTo(queues ...string) broker.Outcome { return broker.Retry(0, "", moveTo{queues}) }

// Direct returns the names of the queues of Config.Direct, and of further queues with events.
func (b *Broker) Direct() []string { return b.direct }

// directQueues reads the names of all queues with waiting events beside those of the configured routes.
func (b *Broker) directQueues(ctx context.Context) ([]string, error) {
	names := slices.Clone(b.cfg.Direct)
	found, err := b.read.QueryContext(ctx, `SELECT DISTINCT route FROM delivery WHERE state = 'work'`)
	if err != nil {
		return nil, explain(err)
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, explain(err)
		}
		configured := slices.ContainsFunc(b.cfg.Routes, func(r broker.Route) bool { return r.Name == name })
		if !configured && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, explain(found.Err())
}

// PublishTo stores e as Publish does, with a delivery for each of the queues of Config.Direct, and for no route.
func (b *Broker) PublishTo(ctx context.Context, e event.Event, queues []string) error {
	return b.publish(ctx, e, queues)
}

// move puts a delivery into other queues.
func move(p place, queues []string) *op {
	return newOp(0, func(tx *transaction) error {
		found, err := tx.exec(tx.sql.remove, stateWork, p.route, p.at, p.seq)
		if err != nil || found == 0 {
			return err
		}
		tx.tallies[tally{p.route, tallyDone}]++
		return tx.deliver(p.seq, stateWork, queues, "")
	})
}
