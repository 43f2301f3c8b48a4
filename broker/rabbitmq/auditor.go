package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

const (
	// auditTime is for how long an audit compares again while events are missing: they move while it counts them.
	auditTime = 15 * time.Second
	// comparePause is the time between two comparisons.
	comparePause = time.Second
	// minSummary is how many notes an audit has to read before it writes a summary for the next reader.
	minSummary = 10_000
)

// auditor compares the ledger with the queues. It keeps the book between two audits, and runs one audit at a time.
type auditor struct {
	consume *connection
	publish *connection
	ledger  *ledgerWriter
	routes  []broker.Route
	api     *managementAPI // nil without one
	log     *zap.Logger

	running chan struct{} // capacity 1
	book    *ledger.Book  // nil before the first audit
}

func newAuditor(publish, consume *connection, w *ledgerWriter, routes []broker.Route, log *zap.Logger) *auditor {
	return &auditor{publish: publish, consume: consume, ledger: w, routes: routes, log: log, running: make(chan struct{}, 1)}
}

// audit repeats its comparison while events are missing, for auditTime at most. If the ledger's stream was replaced, it begins
// with an empty book.
func (a *auditor) audit(ctx context.Context) (broker.Audit, error) {
	if err := a.begin(ctx); err != nil {
		return broker.Audit{}, err
	}
	defer a.end()
	found, err := a.auditOnce(ctx)
	for range 2 {
		var reason string
		switch {
		case errors.Is(err, errReplaced):
			reason = ledger.ReasonReplaced
			a.log.Warn("the ledger's stream was replaced; counting begins again with its first message")
		case errors.Is(err, errTrimmed):
			reason = ledger.ReasonTrimmed
			a.log.Warn("the ledger's stream has dropped notes that no audit has read; counting begins again with its first message")
		default:
			return found, err
		}
		a.book = a.book.Anew(reason)
		found, err = a.auditOnce(ctx)
	}
	return found, err
}

// begin waits until nobody else uses the book. The caller calls end.
func (a *auditor) begin(ctx context.Context) error {
	select {
	case a.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *auditor) end() { <-a.running }

// auditOnce is an audit with the current book. An event that is missing in its last comparison is unaccounted for.
func (a *auditor) auditOnce(ctx context.Context) (broker.Audit, error) {
	s, r, err := a.read(ctx)
	if err != nil {
		return broker.Audit{}, err
	}
	defer r.close()
	found, err := a.compare(ctx, s, r, 0)
	for until := time.Now().Add(auditTime); err == nil && found.Unaccounted > a.book.Lost() && time.Now().Before(until); {
		again, failed := a.compare(ctx, s, r, comparePause)
		if failed != nil && ctx.Err() != nil {
			return found, nil // its time is up: the comparison before counts
		}
		found, err = again, failed
	}
	if err == nil {
		found.AtRisk = a.queuesAtRisk(ctx)
		a.book.Counted(unaccounted(found))
		if err := a.summarize(ctx); err != nil {
			a.log.Warn("the ledger could not be summarized; the next audit has more to read", zap.Error(err))
		}
	}
	return found, err
}

// read begins to read the ledger where the book ends. The caller closes the reader.
func (a *auditor) read(ctx context.Context) (*session, *ledgerReader, error) {
	s, err := a.consume.await(ctx)
	if err != nil {
		return nil, nil, err
	}
	if a.book == nil {
		if a.book, err = lastSummary(ctx, s); err != nil {
			return nil, nil, err
		}
	}
	r, err := newLedgerReader(s, a.book)
	if missing(err) {
		return nil, nil, fmt.Errorf("the virtual host of broker.url at %s has no ledger: start a receiver or a worker there first, or correct broker.url", s.address)
	}
	if err != nil {
		return nil, nil, err
	}
	return s, r, nil
}

// compare compares the ledger with the queues. A missing event was accepted before the queues were counted, and is unfinished
// after it.
func (a *auditor) compare(ctx context.Context, s *session, r *ledgerReader, pause time.Duration) (broker.Audit, error) {
	if err := a.catchUp(ctx, s, r); err != nil {
		return broker.Audit{}, err
	}
	r.book.Mark()
	counts, err := a.countQueues(ctx, s, r.book.Routes())
	if err != nil {
		return broker.Audit{}, err
	}
	select {
	case <-time.After(pause): // meanwhile the processes note the deliveries that they held
	case <-ctx.Done():
		return broker.Audit{}, ctx.Err()
	}
	if err := a.catchUp(ctx, s, r); err != nil {
		return broker.Audit{}, err
	}
	counts.undeclared = a.undeclaredQueues(ctx, r.book)
	return auditReport(r.book.Totals(time.Now()), counts), nil
}

// queuesAtRisk returns the queues that can lose events, or none if the management API cannot be asked.
func (a *auditor) queuesAtRisk(ctx context.Context) []broker.QueueAtRisk {
	if a.api == nil {
		return nil
	}
	found, err := a.api.queuesAtRisk(ctx)
	if err != nil {
		a.log.Warn("the members and policies of queues cannot be looked at", zap.Error(err))
	}
	return found
}

// catchUp reads all messages that were in the ledger at the call.
func (a *auditor) catchUp(ctx context.Context, s *session, r *ledgerReader) error {
	number, err := a.ledger.flush(ctx)
	if err != nil {
		return err
	}
	err = r.catchUp(ctx, a.ledger.process, number)
	if errors.Is(err, errSilent) && r.resumed {
		return cmp.Or(a.checkEnd(ctx, s, r.book.Position().Offset), err)
	}
	return err
}

// checkEnd returns errReplaced if the ledger's stream ends before offset, where a book has ended. RabbitMQ waits for ever at
// an offset beyond the end, so that a replaced stream looks like a slow one.
func (a *auditor) checkEnd(ctx context.Context, s *session, offset int64) error {
	ch, deliveries, err := openStream(s, LedgerStream, "next", readAhead)
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	number, err := a.ledger.flush(ctx)
	if err != nil {
		return err
	}
	r := &ledgerReader{book: ledger.NewBook(), ch: ch, deliveries: deliveries}
	if err := r.catchUp(ctx, a.ledger.process, number); err != nil {
		return err
	}
	if r.book.Position().Offset <= offset {
		return errReplaced
	}
	return nil
}

// countQueues counts the queues in the order in which events move through them. An event that moves meanwhile is counted
// twice rather than missed.
func (a *auditor) countQueues(ctx context.Context, s *session, routes []string) (queueCounts, error) {
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	counts := queueCounts{work: map[string]int64{}, dead: map[string]int64{}, leftOver: map[string]bool{}}
	var errs []error
	count := func(queue string) int64 {
		n, err := admin.depth(queue)
		errs = append(errs, err)
		return n
	}
	configured := map[string]bool{broker.Unrouted: true}
	for _, r := range a.routes {
		configured[r.Name] = true
		if !slices.Contains(routes, r.Name) {
			routes = append(routes, r.Name)
		}
	}
	for _, route := range routes {
		if !configured[route] {
			exists, err := admin.exists(broker.WorkQueue(route))
			errs = append(errs, err)
			counts.leftOver[route] = exists
		}
	}
	for _, route := range routes {
		counts.work[route] = count(broker.WorkQueue(route))
	}
	for _, step := range slices.Backward(DelaySteps()) {
		counts.delayed += count(RetryQueue(step))
	}
	for _, route := range routes {
		counts.dead[route] = count(broker.DeadQueue(route))
	}
	counts.work[""], counts.dead[""] = count(broker.UnroutedQueue), 0
	return counts, errors.Join(append(errs, ctx.Err())...)
}

// unaccounted returns the numbers of unaccounted events by route.
func unaccounted(a broker.Audit) map[string]int64 {
	byRoute := map[string]int64{}
	for _, r := range a.Routes {
		byRoute[r.Route] = r.Unaccounted
	}
	return byRoute
}

// summarize writes the book to the ledger if enough notes were read since the last summary: minSummary, and more for a large book.
func (a *auditor) summarize(ctx context.Context) error {
	if a.book.Folded() < max(minSummary, a.book.Open()/4) {
		return nil
	}
	if err := writeSummary(ctx, a.publish, a.book.Summary()); err != nil {
		return err
	}
	a.book.Summarized()
	return nil
}

// acknowledge notes that a person knows that counting began anew. It returns when the note is stored.
func (a *auditor) acknowledge(ctx context.Context) error {
	a.ledger.setAcknowledged()
	_, err := a.ledger.flush(ctx)
	return err
}
