package rabbitmq

import (
	"context"
	"fmt"

	"github.com/hookline/hookline/pkg/broker"
)

// AuditTurn tells whether this process is the one that audits regularly, of all that ask: the one that consumes the
// keeper's queue. When its connection ends, another one can be it.
func (l *Line) AuditTurn(ctx context.Context) (mine bool, err error) {
	select {
	case l.auditor.turn <- struct{}{}:
		defer func() { <-l.auditor.turn }()
	case <-ctx.Done():
		return false, fmt.Errorf("rabbitmq: keeper of the ledger: %w", ctx.Err())
	}
	if l.auditor.keeper != nil && !l.auditor.keeper.IsClosed() {
		return true, nil
	}
	s, err := l.consume.await(ctx)
	if err == nil && !l.auditor.mayNot {
		mine, err = l.auditor.apply(s)
	}
	if err != nil {
		return false, fmt.Errorf("rabbitmq: keeper of the ledger: %w", err)
	}
	return mine, nil
}

// apply takes the turn if nobody has it. Of two that do at once each sees the other, and neither has it.
func (a *auditor) apply(s *session) (mine bool, err error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return false, fmt.Errorf("open channel: %w", err)
	}
	defer func() {
		if !mine {
			_ = ch.Close()
		}
	}()
	if q, err := ch.QueueDeclarePassive(broker.KeeperQueue, true, false, false, false, nil); err != nil || q.Consumers > 0 {
		return false, err
	}
	deliveries, err := ch.Consume(broker.KeeperQueue, "", false, false, false, false, nil)
	if forbidden(err) { // a receiver: asking again would be another error in the broker's log
		a.mayNot = true
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if q, err := ch.QueueDeclarePassive(broker.KeeperQueue, true, false, false, false, nil); err != nil || q.Consumers > 1 {
		return false, err
	}
	a.keeper = ch
	go func() {
		for range deliveries { // until the queue is deleted, or the connection ends
		}
		_ = ch.Close()
	}()
	return true, nil
}
