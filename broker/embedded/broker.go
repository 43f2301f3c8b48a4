// Package embedded is the broker inside the binary: a SQLite database in the data folder of one process.
//
// One process runs the broker (Open). Other processes can meanwhile read it, and replay or discard undelivered events (Attach), with
// `hookline` or with any SQLite shell in read-only mode. The tables:
//
//	event     an event, once, as long as a delivery needs it
//	delivery  a row per event and route: state 'work', 'dead' or 'unrouted' (route ''), the attempts that counted,
//	          the reason and the errors; at is a time in milliseconds since 1970: for 'work' the earliest time of the
//	          next attempt (0: at once), for 'dead' the time of death; event_id is set for 'dead' and 'unrouted'
//	tally     by route ('' for unrouted): n events stored, done and discarded since the file was made.
//	          For each route stored = done + discarded + rows of delivery; see Audit. An unrouted event is done when
//	          it was replayed to routes
//	look      a view of delivery and event with readable times
//	seen      fingerprints of the events that were stored lately, to detect duplicates
//
//	pause     routes of which no worker takes an event, because a person said so
//
//	source_tally  by source: n events accepted and unrouted, and the numbers of Count
//
// A done event leaves nothing but its count. The file never shrinks, but the database uses freed space again.
package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// maxUnsettled is the number of outcomes of a Consume that may wait for their fsync. A worker takes its next event before the fsync of
	// the last outcome, so that a few workers fill a batch. After a crash the handled events of these outcomes are delivered again,
	// without Redelivered.
	maxUnsettled = 128
	// clockError is added to broker.MaxDelay: a retry that waits longer than both was written by a wrong clock.
	clockError = time.Minute
	// settlePause is the time between two tries to write an outcome after the disk failed.
	settlePause = 200 * time.Millisecond
	// readyTimeout bounds the wait of Ready for the disk.
	readyTimeout = 2 * time.Second
)

// Broker is a broker.Broker in a database file that this process alone runs.
type Broker struct {
	*store
	lock    *lock
	metrics *metrics
	log     *zap.Logger
	queues  map[string]*queue // by route; never changed
	marker  *crashMarker
	direct  []string // Config.Direct, and further queues with events

	stopCheck  func() // waits for the end of the check
	stopPauses func() // waits for the end of followPauses
	pauses     pausedRoutes
}

var _ broker.Broker = (*Broker)(nil)

// Open opens the broker, and creates its file if it is missing. It fails if another process runs the broker. It also
// fails if the file is damaged or belongs to another program, and then leaves it unchanged.
func Open(cfg Config, reg prometheus.Registerer, log *zap.Logger) (*Broker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("broker %s: make its folder: %w", cfg.Path, err)
	}
	lock, err := takeLock(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("broker %s: %w", cfg.Path, err)
	}
	b := &Broker{lock: lock, log: log, queues: map[string]*queue{}, stopCheck: func() {}, stopPauses: func() {}}
	if err := b.open(cfg, reg); err != nil {
		return nil, errors.Join(fmt.Errorf("broker %s: %w", cfg.Path, err), lock.release())
	}
	for _, r := range cfg.Routes {
		b.queues[r.Name] = newQueue(cfg.RouteBytes)
		if err := registerQueue(reg, r.Name, b.queues[r.Name]); err != nil {
			return nil, errors.Join(fmt.Errorf("broker %s: metrics: %w", cfg.Path, err), b.close(), lock.release())
		}
	}
	for _, name := range b.direct {
		b.queues[name] = newQueue(cfg.RouteBytes)
	}
	if err := b.readPauses(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("broker %s: %w", cfg.Path, err), b.close(), lock.release())
	}
	b.followPauses()
	if b.checkLater {
		b.startCheck()
	}
	return b, nil
}

// open opens the files after the lock is taken. It leaves no file open when it fails.
func (b *Broker) open(cfg Config, reg prometheus.Registerer) (err error) {
	// Only under the lock: closing a file drops the locks that SQLite has on it in the same process.
	if err := makeFile(cfg.Path); err != nil {
		return err
	}
	if b.store, err = openStore(cfg, true); err != nil {
		return err
	}
	if b.metrics, err = newMetrics(reg, b.write); err == nil {
		b.marker, err = openCrashMarker(cfg.Path, b.log)
	}
	if err == nil {
		err = b.marker.prune(b.isWaiting)
	}
	if err == nil && cfg.Direct != nil {
		b.direct, err = b.directQueues(context.Background())
	}
	if err != nil {
		return errors.Join(err, b.close())
	}
	return nil
}

// startCheck reads the whole file while the broker works. After damage the broker takes no new events, and still delivers readable
// ones.
func (b *Broker) startCheck() {
	ctx, cancel := context.WithCancel(context.Background())
	var checking sync.WaitGroup
	checking.Go(func() {
		err := checkIntegrity(ctx, b.read)
		if err == nil || ctx.Err() != nil {
			return
		}
		b.write.damage.Store(&err)
		b.log.Error("the broker takes no new events, and still delivers readable ones", zap.String("file", b.cfg.Path), zap.Error(err))
	})
	b.stopCheck = func() {
		cancel()
		checking.Wait()
	}
}

// Publish stores e with a delivery for each matching route. Besides the error of ctx it returns broker.ErrBlocked (the file has its
// largest size), broker.ErrRefused (it wraps the error of the database), broker.ErrUnknown (ctx ended during the write),
// broker.ErrDown (the broker is closed) or broker.ErrDuplicate (the event is on the disk).
func (b *Broker) Publish(ctx context.Context, e event.Event) error {
	return b.publish(ctx, e, b.matcher.Match(e.Key()))
}

// publish stores e with a delivery for each of the routes.
func (b *Broker) publish(ctx context.Context, e event.Event, routes []string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish %s: %w", e.ID, err)
	}
	began, duplicate := time.Now(), false
	if err := b.write.do(ctx, insertOnce(e, routes, &duplicate)); err != nil {
		return fmt.Errorf("publish %s: %w", e.ID, err)
	}
	if duplicate {
		return fmt.Errorf("publish %s: %w", e.ID, broker.ErrDuplicate)
	}
	b.metrics.confirm.Observe(time.Since(began).Seconds())
	for _, name := range routes {
		b.queues[name].wake()
	}
	return nil
}

// Consume implements broker.Consumer for a configured route. It delivers the longest waiting events first, with due retries in
// between. It returns an error if the route is unknown, its concurrency is not positive, or the broker is closed.
func (b *Broker) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	q, ok := b.queues[r.Name]
	if !ok {
		return fmt.Errorf("broker %s: route %q is not configured", b.cfg.Path, r.Name)
	}
	if r.Concurrency < 1 {
		return fmt.Errorf("broker %s: route %q: concurrency is %d; it must be at least 1", b.cfg.Path, r.Name, r.Concurrency)
	}
	leave, ok := q.join(ctx)
	if !ok {
		return fmt.Errorf("broker %s: %w: it is closed", b.cfg.Path, broker.ErrDown)
	}
	defer leave()
	uncancelled := context.WithoutCancel(ctx)
	var workers sync.WaitGroup
	unsettled := make(chan struct{}, maxUnsettled)
	for range r.Concurrency {
		workers.Go(func() {
			for {
				d, next := q.take(ctx)
				switch next {
				case stepStop:
					return
				case stepFetch:
					q.add(b.fetch(uncancelled, r.Name, q.exclude()))
				case stepHandle:
					line := b.marker.add(d.place)
					out := fn(uncancelled, d.delivery())
					b.marker.remove(line)
					o := settlement(out, d.place)
					if o == nil {
						q.requeue(d) // before another delivery is taken
						continue
					}
					unsettled <- struct{}{}
					workers.Go(func() {
						stored := b.settle(q, d, o, out.Verdict == broker.VerdictRetry || out.Verdict == broker.VerdictPostpone)
						if stored && out.Verdict == broker.VerdictDead {
							out.Settle(nil)
						}
						<-unsettled
					})
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// fetch reads deliveries that are due: at first retries, half of the batch at most, and then first attempts, so that neither starves the
// other. If there are no more, it adds retries that are due later than MaxDelay allows, because the clock was ahead when they failed.
// It returns whether there are more, and the time until the next fetch.
func (b *Broker) fetch(ctx context.Context, route, exclude string) (batch []lease, more bool, again time.Duration) {
	now := time.Now().UnixMilli()
	retries, whole, err := rows(ctx, b.queries.ready, route, 1, now, exclude, maxRows/2)
	found, more := retries, !whole || len(retries) == maxRows/2
	if err == nil {
		var fresh []row
		fresh, whole, err = rows(ctx, b.queries.ready, route, 0, 0, exclude, maxRows-len(found))
		found, more = append(found, fresh...), more || !whole || len(found)+len(fresh) == maxRows
	}
	if err == nil && !more {
		var late []row
		late, whole, err = rows(ctx, b.queries.ready, route, now+(broker.MaxDelay+clockError).Milliseconds(), math.MaxInt64, exclude, maxRows-len(found))
		found, more = append(found, late...), !whole
	}
	var due sql.NullInt64
	if err == nil && !more {
		err = b.queries.due.QueryRowContext(ctx, route, now).Scan(&due)
	}
	if err != nil {
		b.log.Error("events cannot be read from the broker; trying again", zap.String("route", route), zap.Error(explain(err)))
		return nil, false, poll
	}
	for _, r := range found {
		batch = append(batch, lease{r, b.marker.has(r.place)})
	}
	if again = poll; due.Valid {
		again = min(poll, time.Duration(due.Int64-now)*time.Millisecond)
	}
	return batch, more, again
}

// settle writes the outcome of a delivery, and tries again until the disk takes it or the broker is closed. Until then no worker gets the
// delivery. retried tells whether the delivery comes again.
func (b *Broker) settle(q *queue, d lease, o *op, retried bool) (stored bool) {
	for tries := 0; ; tries++ {
		err := b.write.do(context.Background(), o)
		if err == nil {
			q.release(d, retried)
			return true
		}
		if tries == 0 {
			b.log.Error("an outcome cannot be written to the broker; trying again", zap.String("route", d.route), zap.String("event", d.event.ID), zap.Error(err))
		}
		if !b.write.pause(settlePause) {
			return false
		}
	}
}

// Queues implements broker.Inspector. Deliveries that workers of this process handle do not count as waiting.
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
		running, consumed := q.state()
		all[i].Waiting = max(0, all[i].Waiting-running)
		if consumed {
			all[i].Consumers = 1
		}
	}
	return all, err
}

// Replay implements broker.Undelivered. Dead letters of a route that is not configured wait in its queue until it is again.
func (b *Broker) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	n, err := b.store.Replay(ctx, route, pick)
	if n > 0 {
		for _, q := range b.queues {
			q.wake()
		}
	}
	return n, err
}

// Salvage stores the events of a renamed damaged database in their order, in one transaction, and returns their number. It reads up to the
// first damage, which is then the error.
func (b *Broker) Salvage(ctx context.Context, damaged string) (n int, err error) {
	path, err := filepath.Abs(damaged)
	if err != nil {
		return 0, err
	}
	db, err := openDB(path, "query_only(1)", "writable_schema(1)") // the second lets SQLite read a file that lacks its end
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var damage error
	err = b.write.do(ctx, newOp(0, func(tx *transaction) error {
		n, damage = 0, nil
		for e, err := range readableEvents(ctx, db) {
			if err != nil {
				damage = err
			}
			if errors.Is(err, errChecksum) {
				continue
			}
			if err != nil {
				break
			}
			if err := insert(e, b.matcher.Match(e.Key())).apply(tx); err != nil {
				return err
			}
			n++
		}
		return nil
	}))
	if err != nil {
		return 0, fmt.Errorf("broker %s: %w", b.cfg.Path, err)
	}
	return n, damage
}

// Count implements broker.Counter. The number is in memory at first, and on the disk with the next event or outcome, within a second, or
// when the broker is closed.
func (b *Broker) Count(source, kind string) {
	b.write.counts.add(tally{source, kind}, 1)
}

// Spooled does nothing: no receiver has a spool in front of an embedded broker, which stores on the same disk.
func (b *Broker) Spooled(map[string]int64, broker.SpoolCounts) {}

// Unbind does nothing: this broker matches each event with the configuration of its one process.
func (b *Broker) Unbind(context.Context) (removed, remaining []broker.Binding, err error) {
	return nil, nil, nil
}

// Lacking returns nil: Open creates all that is missing in the file.
func (b *Broker) Lacking() []string { return nil }

// Leads returns true: one process alone runs the broker.
func (b *Broker) Leads(context.Context, broker.LeaderRole) (bool, error) { return true, nil }

// Ready returns nil if the broker can store an event now, otherwise one of Publish's errors.
func (b *Broker) Ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	if err := b.write.do(ctx, probe()); err != nil {
		return err
	}
	return checkDiskSpace(b.cfg.Path)
}

// close closes the files.
func (b *Broker) close() error {
	b.stopCheck()
	b.stopPauses()
	var err error
	if b.marker != nil {
		err = b.marker.file.Close()
	}
	return errors.Join(err, b.store.close())
}

// Close stops the broker. Running calls of Consume take no more events, and Close waits for them until ctx ends. It answers every
// accepted publish, and frees the file for another process.
func (b *Broker) Close(ctx context.Context) error {
	var errs []error
	for name, q := range b.queues {
		if err := q.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("broker %s: route %s has work running that will be done again: %w", b.cfg.Path, name, err))
		}
	}
	errs = append(errs, b.close())
	return errors.Join(append(errs, b.lock.release())...)
}
