package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

var _ broker.Broker = (*Broker)(nil)

// takeoverTime is how long a new leader of the schedules waits before it emits events. Meanwhile the leader before it detects
// that its connection is lost, within three heartbeats, and the emitted events reach the ledger.
const takeoverTime = 3*heartbeat + 5*time.Second

// Broker is a broker.Broker on RabbitMQ. It is safe for concurrent use.
type Broker struct {
	topology       Topology
	routes         []broker.Route
	matcher        *broker.Matcher
	declarer       *declarer
	publish        *connection
	consume        *connection
	publisher      *publisher
	spooled        *serialPublisher
	recent         *broker.RecentEvents // nil: duplicates are published
	partly         *partlyStored        // unused while duplicates are published
	peers          *peerBindings        // empty while duplicates are published
	metrics        *metrics
	routeBytes     int64 // Config.RouteBytes
	ledger         *ledgerWriter
	pauses         *pauseStream
	auditor        *auditor
	auditLeader    *leader
	scheduleLeader *leader
	journal        *journalStream // nil: it is off
	log            *zap.Logger

	browsing      sync.Mutex // held while a queue is browsed, because that holds the seen messages
	stop          context.CancelFunc
	followPauses  func()         // reads the pauses from now on; only processes that consume may do that
	running       sync.WaitGroup // the connections, peerReader and the reader of pauses
	stopLedger    context.CancelFunc
	ledgerStopped chan struct{}
}

// Open checks cfg and starts to connect. It does not wait for RabbitMQ. The broker connects again by itself until Close, and
// declares the topology at the start of each connection.
func Open(cfg Config, reg prometheus.Registerer, log *zap.Logger) (*Broker, error) {
	return start(cfg, objects(NewTopology(cfg.Routes)), reg, log)
}

// Attach opens a broker that declares nothing, so that an inspection shows missing queues.
func Attach(cfg Config) (*Broker, error) {
	return start(cfg, nil, prometheus.NewRegistry(), zap.NewNop())
}

func start(cfg Config, declared []object, reg prometheus.Registerer, log *zap.Logger) (*Broker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m, err := newMetrics(reg, cfg.Routes)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: metrics: %w", err)
	}
	d := newDeclarer(declared, m, log)
	b := &Broker{
		topology: NewTopology(cfg.Routes), routes: slices.Clone(cfg.Routes), matcher: broker.NewMatcher(cfg.Routes), declarer: d, log: log,
		publish:     newConnection(publishing, cfg, d, m, log),
		consume:     newConnection(consuming, cfg, d, m, log),
		auditLeader: newLeader(AuditLeaderQueue), scheduleLeader: newLeader(ScheduleLeaderQueue),
		metrics: m, routeBytes: cfg.RouteBytes, partly: newPartlyStored(cfg.Duplicates), peers: newPeerBindings(), ledgerStopped: make(chan struct{}),
	}
	b.publisher, b.spooled = newPublisher(b.publish, m), newSerialPublisher(b.publish)
	b.ledger = newLedgerWriter(b.publish, cfg, m, log.Named("ledger"))
	if declared != nil {
		b.ledger.bindings, b.ledger.external = bindingsOf(cfg.Routes), externalOf(cfg.Routes)
	}
	b.pauses = newPauseStream(b.publish, b.consume, log)
	b.auditor = newAuditor(b.publish, b.consume, b.ledger, b.routes, log)
	b.auditor.api = newManagementAPI(cfg)
	if cfg.Duplicates > 0 {
		b.recent = broker.NewRecentEvents(cfg.Duplicates, broker.MaxRecentEvents)
	}
	if cfg.Journal {
		b.journal = newJournalStream(cfg, declared != nil, m, log)
	}
	b.run(cfg.Duplicates, declared != nil)
	return b, nil
}

// run starts the goroutines of the broker. The ledger writer stops first, while its connection is still open.
func (b *Broker) run(window time.Duration, declares bool) {
	ctx, stop := context.WithCancel(context.Background())
	writing, stopLedger := context.WithCancel(context.Background())
	b.stop, b.stopLedger = stop, stopLedger
	go func() {
		defer close(b.ledgerStopped)
		b.ledger.run(writing)
	}()
	b.followPauses = sync.OnceFunc(func() { b.running.Go(func() { b.pauses.follow(ctx) }) })
	for _, c := range []*connection{b.publish, b.consume} {
		b.running.Go(func() { c.run(ctx) })
	}
	if b.journal != nil && declares {
		b.running.Go(func() { b.journal.conn.run(ctx) })
	}
	if b.recent != nil {
		peers := &peerReader{conn: b.consume, recent: b.recent, partly: b.partly, bindings: b.peers, process: b.ledger.process, log: b.log}
		b.running.Go(func() { peers.run(ctx, max(window, ledger.Silence)) })
	}
}

// Publish implements broker.Publisher. Without a connection it waits up to 5 seconds for the next one. Its errors wrap those of
// package broker. An event has at most broker.MaxBody bytes; at most 64 KiB of its headers are stored.
//
// RabbitMQ does not detect duplicates. So Publish returns broker.ErrDuplicate for events that this process has seen confirmed,
// and for those that other processes have noted in the ledger. A repeat that comes before the confirm of the first publish is
// published, too, because no publish waits for another's confirm.
func (b *Broker) Publish(ctx context.Context, e event.Event) error {
	return b.store(ctx, e, nil, b.publisher.publish)
}

// Count implements broker.Counter.
func (b *Broker) Count(source, kind string) { b.ledger.count(source, kind) }

// Spooled implements broker.Counter.
func (b *Broker) Spooled(events map[string]int64, counts broker.SpoolCounts) {
	b.ledger.setSpooled(events, ledger.SpoolCounts(counts))
}

// Consume implements broker.Consumer. It returns an error for a route that is not in the configuration, for an external one, and after Close. A delayed
// event reaches fn on time or up to half a second late.
func (b *Broker) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	if r.Concurrency < 1 {
		return fmt.Errorf("rabbitmq: route %q: concurrency is %d, not at least 1", r.Name, r.Concurrency)
	}
	if !slices.ContainsFunc(b.routes, func(configured broker.Route) bool { return configured.Name == r.Name && !configured.External }) {
		return fmt.Errorf("rabbitmq: route %q is not in the configuration, or is external", r.Name)
	}
	c := &consumption{
		route: r, publisher: b.publisher, ledger: b.ledger, gate: b.pauses.gate, process: fn,
		log:   b.log.With(zap.String("route", r.Name)),
		slots: make(chan struct{}, r.Concurrency), returned: map[string]bool{},
		bytes: newFetchedBytes(b.routeBytes, b.metrics.fetched.WithLabelValues(r.Name)),
	}
	b.followPauses()
	if err := c.run(ctx, b.consume); err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	return nil
}

// Queues implements broker.Inspector. It checks ctx between two queues. Events that are browsed at the moment do not count as
// waiting.
func (b *Broker) Queues(ctx context.Context) ([]broker.QueueInfo, error) {
	s, err := b.consume.await(ctx)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: queues: %w", err)
	}
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	infos := make([]broker.QueueInfo, 0, len(b.topology.Queues))
	for _, q := range b.topology.Queues {
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

// Audit implements broker.Auditor. While events are missing it compares again, for up to 15 seconds or until ctx ends.
func (b *Broker) Audit(ctx context.Context) (broker.Audit, error) {
	a, err := b.auditor.audit(ctx)
	if err != nil {
		return broker.Audit{}, fmt.Errorf("rabbitmq: audit: %w", err)
	}
	return a, nil
}

// Acknowledge implements broker.Auditor.
func (b *Broker) Acknowledge(ctx context.Context) error {
	if err := b.auditor.acknowledge(ctx); err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	return nil
}

// Leads implements broker.Leader. A process whose user may not consume the audit's queue, such as a receiver, never leads the audit.
func (b *Broker) Leads(ctx context.Context, role broker.LeaderRole) (bool, error) {
	if role == broker.LeadAudit {
		since, err := b.auditLeader.since(ctx, b.consume)
		if errors.Is(err, errMayNotLead) {
			return false, nil
		}
		return !since.IsZero(), err
	}
	since, err := b.scheduleLeader.since(ctx, b.consume)
	return !since.IsZero() && time.Since(since) > takeoverTime, err
}

// Ready implements broker.Health.
func (b *Broker) Ready() error { return b.publish.ready() }

// Lacking implements broker.Health. Its answer is up to 10 seconds old.
func (b *Broker) Lacking() []string { return append(b.declarer.lacking(), b.journal.lacking()...) }

// Close closes the connections, and calls that wait for a connection return an error. Stop publishing and consuming first: an
// event that is published during Close may be stored although Publish fails. Close returns ctx's error if it takes longer
// than ctx, and longer than the 3 seconds for AMQP's closing handshakes.
func (b *Broker) Close(ctx context.Context) error {
	b.stopLedger()
	select {
	case <-b.ledgerStopped:
	case <-ctx.Done():
	}
	b.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.running.Wait()
		<-b.ledgerStopped
	}()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*closeTime) // also if the ledger writer has used up ctx
	defer cancel()
	for _, end := range []<-chan struct{}{ctx.Done(), closing.Done()} {
		select {
		case <-done:
			return nil
		case <-end:
		}
	}
	return fmt.Errorf("rabbitmq: close: %w", ctx.Err())
}
