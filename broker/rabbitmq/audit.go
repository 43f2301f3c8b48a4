package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

const (
	// auditTime is for how long an audit looks again for what it has not found: events move while it looks.
	auditTime = 15 * time.Second
	// lookPause is the time between two looks.
	lookPause = time.Second
	// worthSummary is how many notes somebody has to have read to spare others the same.
	worthSummary = 10_000
)

// auditor is what a line remembers between two audits.
type auditor struct {
	turn chan struct{} // capacity 1
	book *ledger.Book  // nil: none was read yet
}

// Audit is broker.Auditor's. It takes a moment while events move, and up to 15 seconds or until ctx ends if some cannot
// be found.
func (l *Broker) Audit(ctx context.Context) (broker.Audit, error) {
	select {
	case l.auditor.turn <- struct{}{}:
		defer func() { <-l.auditor.turn }()
	case <-ctx.Done():
		return broker.Audit{}, fmt.Errorf("rabbitmq: audit: %w", ctx.Err())
	}
	a, err := l.audit(ctx)
	for range 2 {
		if errors.Is(err, errOther) {
			l.log.Warn("the ledger's stream is another one than before; counting begins anew with its first message")
			l.auditor.book = ledger.NewBook()
			a, err = l.audit(ctx)
		}
	}
	if err != nil {
		return broker.Audit{}, fmt.Errorf("rabbitmq: audit: %w", err)
	}
	return a, nil
}

// audit looks until everything is found. What the last look does not find is unaccounted for.
func (l *Broker) audit(ctx context.Context) (broker.Audit, error) {
	s, err := l.consume.await(ctx)
	if err != nil {
		return broker.Audit{}, err
	}
	if l.auditor.book == nil {
		if l.auditor.book, err = lastSummary(ctx, s); err != nil {
			return broker.Audit{}, err
		}
	}
	r, err := newLedgerReader(s, l.auditor.book)
	if err != nil {
		return broker.Audit{}, err
	}
	defer r.close()
	a, err := l.compare(ctx, s, r, 0)
	for until := time.Now().Add(auditTime); err == nil && a.Unaccounted > 0 && time.Now().Before(until); {
		again, failed := l.compare(ctx, s, r, lookPause)
		if failed != nil && ctx.Err() != nil {
			return a, nil // its time is up: the look before counts
		}
		a, err = again, failed
	}
	if err == nil {
		if err := l.summarize(ctx); err != nil {
			l.log.Warn("the ledger could not be summarized; the next audit has more to read", zap.Error(err))
		}
	}
	return a, err
}

// compare compares what the ledger says with what the queues hold. An event counts as missed only if it was accepted before
// the queues were counted and not finished afterwards.
func (l *Broker) compare(ctx context.Context, s *session, r *ledgerReader, pause time.Duration) (broker.Audit, error) {
	if err := l.catchUp(ctx, s, r); err != nil {
		return broker.Audit{}, err
	}
	r.book.Mark()
	found, err := l.queueCounts(ctx, s, r.book.Routes())
	if err != nil {
		return broker.Audit{}, err
	}
	select {
	case <-time.After(pause): // processes have said by then what they held
	case <-ctx.Done():
		return broker.Audit{}, ctx.Err()
	}
	if err := l.catchUp(ctx, s, r); err != nil {
		return broker.Audit{}, err
	}
	return auditReport(r.book.Totals(time.Now()), found), nil
}

// catchUp reads everything that was in the ledger when it was called.
func (l *Broker) catchUp(ctx context.Context, s *session, r *ledgerReader) error {
	number, err := l.ledger.flush(ctx)
	if err != nil {
		return err
	}
	err = r.catchUp(ctx, l.ledger.process, number)
	if errors.Is(err, errSilent) && r.resumed {
		return cmp.Or(l.endsBefore(ctx, s, r.book.Position().Offset), err)
	}
	return err
}

// endsBefore returns errOther if the ledger's stream ends before an offset, where a book has ended: RabbitMQ waits for ever at an offset beyond
// the end. It also may be slow.
func (l *Broker) endsBefore(ctx context.Context, s *session, offset int64) error {
	ch, deliveries, err := openStream(s, LedgerStream, "next")
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	number, err := l.ledger.flush(ctx)
	if err != nil {
		return err
	}
	r := &ledgerReader{book: ledger.NewBook(), ch: ch, deliveries: deliveries}
	if err := r.catchUp(ctx, l.ledger.process, number); err != nil {
		return err
	}
	if r.book.Position().Offset <= offset {
		return errOther
	}
	return nil
}

// queueCounts counts in the order in which events move on: one that moves meanwhile is rather counted twice than not at all.
func (l *Broker) queueCounts(ctx context.Context, s *session, routes []string) (queueCounts, error) {
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	d := queueCounts{work: map[string]int64{}, dead: map[string]int64{}}
	var errs []error
	count := func(queue string) int64 {
		n, err := admin.depth(queue)
		errs = append(errs, err)
		return n
	}
	for _, r := range l.routes {
		if !slices.Contains(routes, r.Name) {
			routes = append(routes, r.Name)
		}
	}
	for _, route := range routes {
		d.work[route] = count(broker.WorkQueue(route))
	}
	for _, step := range slices.Backward(DelaySteps()) {
		d.retry += count(RetryQueue(step))
	}
	for _, route := range routes {
		d.dead[route] = count(broker.DeadQueue(route))
	}
	d.work[""], d.dead[""] = count(broker.UnroutedQueue), 0
	return d, errors.Join(append(errs, ctx.Err())...)
}

// depth is how many messages of a queue nobody holds: none, if there is no such queue.
func (s *adminChannel) depth(queue string) (int64, error) {
	found, err := s.look(queue)
	if err != nil && !missing(err) {
		return 0, fmt.Errorf("queue %s: %w", queue, err)
	}
	return int64(found.Messages), nil
}

// summarize spares the next reader what this one has read.
func (l *Broker) summarize(ctx context.Context) error {
	book := l.auditor.book
	if book.Folded() < worthSummary {
		return nil
	}
	text, ok := book.Summary()
	if !ok {
		return nil
	}
	publisher := &ledgerPublisher{conn: l.publish}
	defer publisher.close()
	err := publisher.bring(ctx, message{LedgerExchange, LedgerSummary, amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: text,
	}})
	if err != nil {
		return fmt.Errorf("summary of the ledger: %w", err)
	}
	book.Summarized()
	return nil
}
