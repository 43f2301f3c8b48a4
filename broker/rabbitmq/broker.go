package rabbitmq

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

var _ broker.Broker = (*Broker)(nil)

// Broker is a broker.Broker on RabbitMQ. It is safe for concurrent use.
type Broker struct {
	topology  Topology
	routes    []broker.Route
	matcher   *broker.Matcher
	publish   *connection
	consume   *connection
	publisher *publisher
	recent    *broker.Recent // nil: repeats are not looked for
	ledger    *ledgerWriter
	auditor   *auditor
	keeps     *turn // the ledger: at auditing regularly
	emits     *turn // scheduled events
	log       *zap.Logger

	looking sync.Mutex // one walk over kept messages at a time: each holds what it has seen
	stop    context.CancelFunc
	stopped sync.WaitGroup
	silence context.CancelFunc // stops the ledger writer
	silent  chan struct{}
}

// Open checks cfg and starts connecting; it never waits for RabbitMQ. The line connects again by itself until Close. Each
// connection declares the topology first.
func Open(cfg Config, reg prometheus.Registerer, log *zap.Logger) (*Broker, error) {
	return start(cfg, objects(NewTopology(cfg.Routes)), reg, log)
}

// Attach is Open for a person's look: it declares nothing, so that what is missing is seen to be missing.
func Attach(cfg Config) (*Broker, error) {
	return start(cfg, nil, prometheus.NewRegistry(), zap.NewNop())
}

func start(cfg Config, declared []object, reg prometheus.Registerer, log *zap.Logger) (*Broker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: metrics: %w", err)
	}
	d := newDeclarer(declared, m, log)
	l := &Broker{
		topology: NewTopology(cfg.Routes), routes: slices.Clone(cfg.Routes), matcher: broker.NewMatcher(cfg.Routes), log: log,
		publish: newConnection(publishing, cfg, d, m, log),
		consume: newConnection(consuming, cfg, d, m, log),
		keeps:   newTurn(AuditLeaderQueue), emits: newTurn(ScheduleLeaderQueue),
	}
	l.publisher = newPublisher(l.publish, m)
	if cfg.Duplicates > 0 {
		l.recent = broker.NewRecent(cfg.Duplicates, broker.MaxRecent)
	}
	l.ledger = newLedgerWriter(l.publish, cfg, m, log.Named("ledger"))
	l.auditor = newAuditor(l.publish, l.consume, l.ledger, l.routes, log)
	ctx, stop := context.WithCancel(context.Background())
	writing, silence := context.WithCancel(context.Background())
	l.stop, l.silence, l.silent = stop, silence, make(chan struct{})
	go func() {
		defer close(l.silent)
		l.ledger.run(writing)
	}()
	for _, c := range []*connection{l.publish, l.consume} {
		l.stopped.Go(func() { c.run(ctx) })
	}
	if l.recent != nil {
		peers := &peerDuplicates{conn: l.consume, recent: l.recent, process: l.ledger.process, log: log}
		l.stopped.Go(func() { peers.run(ctx, cfg.Duplicates) })
	}
	return l, nil
}

// Publish stores e. Without a connection it waits for the next one until ctx ends, but for 5 seconds at most. Its
// errors wrap one of package broker's. An event has at most broker.MaxBody bytes; of its headers at most 64 KiB are kept.
//
// RabbitMQ cannot tell a repeat, so the line tells those of events that it has itself seen confirmed, or of which it has
// read in the ledger that another process has. A repeat that comes while the first publish is still under way is published
// as well: nobody waits for another's confirm.
func (l *Broker) Publish(ctx context.Context, e event.Event) error {
	mark := broker.MarkOf(e)
	if l.recent != nil && l.recent.Has(mark, e.Time) {
		return fmt.Errorf("rabbitmq: %w", broker.ErrDuplicate)
	}
	m, err := newEventMessage(e)
	if err == nil {
		err = l.publisher.publish(ctx, &m)
	}
	if err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	if l.recent != nil {
		l.recent.Add(mark, e.Time)
	}
	l.ledger.noteAccepted(e, l.matcher.Match(m.key))
	return nil
}

// Count is broker.Counter's.
func (l *Broker) Count(source, what string) { l.ledger.count(source, what) }

// Spooled is broker.Counter's.
func (l *Broker) Spooled(events map[string]int64) { l.ledger.setSpooled(events) }

// Consume is broker.Consumer's; r has to be one of the configuration's routes. It also returns an error when the line
// is closed. An event with a delay reaches fn never earlier, and by up to half a second later than asked.
func (l *Broker) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	if r.Concurrency < 1 {
		return fmt.Errorf("rabbitmq: route %q: concurrency is %d, not at least 1", r.Name, r.Concurrency)
	}
	if !slices.ContainsFunc(l.routes, func(known broker.Route) bool { return known.Name == r.Name }) {
		return fmt.Errorf("rabbitmq: route %q is not in the configuration", r.Name)
	}
	c := &consumption{
		route: r, publisher: l.publisher, ledger: l.ledger, process: fn,
		log:   l.log.With(zap.String("route", r.Name)),
		slots: make(chan struct{}, r.Concurrency),
	}
	if err := c.run(ctx, l.consume); err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	return nil
}

// Audit is broker.Auditor's. It takes a moment while events move. If events are missing it takes up to 15 seconds, or until ctx
// ends.
func (l *Broker) Audit(ctx context.Context) (broker.Audit, error) {
	a, err := l.auditor.audit(ctx)
	if err != nil {
		return broker.Audit{}, fmt.Errorf("rabbitmq: audit: %w", err)
	}
	return a, nil
}

// Ready is nil when events can be stored now, else the reason why not.
func (l *Broker) Ready() error { return l.publish.ready() }

// Lacking names what is missing on RabbitMQ and is not ours to make, as of 10 seconds ago: events may pass such a queue by.
func (l *Broker) Lacking() []string { return l.publish.declarer.lacking() }

// Close ends the connections; what waits for them gets an error. Stop publishing and consuming first: what is
// published now may be stored although Publish fails. It returns ctx's error if that takes longer than ctx, and than the 3 seconds that the
// connections have to say goodbye.
func (l *Broker) Close(ctx context.Context) error {
	l.silence()
	select {
	case <-l.silent:
	case <-ctx.Done():
	}
	l.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.stopped.Wait()
		<-l.silent
	}()
	goodbye, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*closeTime) // also where the ledger writer has used up the time
	defer cancel()
	for _, end := range []<-chan struct{}{ctx.Done(), goodbye.Done()} {
		select {
		case <-done:
			return nil
		case <-end:
		}
	}
	return fmt.Errorf("rabbitmq: close: %w", ctx.Err())
}
