// Package embedded is the line inside the binary: a SQLite database in the data folder of one process.
//
// One process runs the line (Open); others may look at it and decide about what it keeps meanwhile (Attach), with
// `hookline` or with any SQLite shell in read-only mode. What there is to see:
//
//	event     an event, once, as long as a delivery needs it
//	delivery  a row per event and route: state 'work', 'dead' or 'unrouted' (route ''), the attempts that counted,
//	          the reason and the errors; at is, in milliseconds since 1970, for 'work' the time before which it
//	          must not be tried (0: none), for 'dead' since when it is that; event_id is set for 'dead' and 'unrouted'
//	tally     by route ('' for unrouted): n events stored, done and discarded since the file was made.
//	          For each route stored = done + discarded + rows of delivery; see Audit. An unrouted event is done when
//	          it was replayed to routes
//	look      a view of delivery and event with readable times
//	seen      hashes of the events that were stored lately, so that a repeat is known
//
//	source_tally  by source: n events accepted and unrouted, and what a receiver counted with Count
//
// An event that is done leaves nothing but its count. The file never shrinks, but what is freed is used again.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Line is a line in a database file that this process alone runs.
type Broker struct {
	*store
	lock    *lock
	metrics *metrics
	log     *zap.Logger
	queues  map[string]*queue // by route; never changed
	hand    *hand

	stopCheck func() // waits for its end
}

var _ broker.Broker = (*Broker)(nil)

// Open opens the line, and makes it if there is none. It fails if another process runs it, and if the file is
// damaged or not Hookline's; such a file is left as it is.
func Open(cfg Config, reg prometheus.Registerer, log *zap.Logger) (*Broker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("line %s: make its folder: %w", cfg.Path, err)
	}
	lock, err := takeLock(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("line %s: %w", cfg.Path, err)
	}
	b := &Broker{lock: lock, log: log, queues: map[string]*queue{}, stopCheck: func() {}}
	if err := b.open(cfg, reg); err != nil {
		return nil, errors.Join(fmt.Errorf("line %s: %w", cfg.Path, err), lock.release())
	}
	for _, r := range cfg.Routes {
		b.queues[r.Name] = newQueue()
	}
	if b.later {
		b.checkBeside()
	}
	return b, nil
}

// open does what comes after the lock. It leaves nothing open when it fails.
func (b *Broker) open(cfg Config, reg prometheus.Registerer) (err error) {
	// Only under the lock: closing a file drops the locks that SQLite has on it in the same process.
	if err := makeFile(cfg.Path); err != nil {
		return err
	}
	if b.store, err = openStore(cfg, true); err != nil {
		return err
	}
	if b.metrics, err = newMetrics(reg, b.write); err == nil {
		b.hand, err = openHand(cfg.Path, b.log)
	}
	if err == nil {
		err = b.hand.drop(b.waits)
	}
	if err != nil {
		return errors.Join(err, b.close())
	}
	return nil
}

// close lets go of the files.
func (b *Broker) close() error {
	b.stopCheck()
	var err error
	if b.hand != nil {
		err = b.hand.file.Close()
	}
	return errors.Join(err, b.store.close())
}

// Publish stores e with a delivery for each route that matches it. Its error is, besides that of ctx, one of
// broker.ErrBlocked (the file has its full size), broker.ErrRefused (the database's own error is wrapped),
// broker.ErrUnknown (ctx ended while the disk was at it) and broker.ErrDown (the line is closed). broker.ErrDuplicate comes,
// as nil does, when the event is on the disk.
func (b *Broker) Publish(ctx context.Context, e event.Event) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish %s: %w", e.ID, err)
	}
	routes, began, repeat := b.matcher.Match(e.Key()), time.Now(), false
	if err := b.write.do(ctx, insertOnce(e, routes, &repeat)); err != nil {
		return fmt.Errorf("publish %s: %w", e.ID, err)
	}
	if repeat {
		return fmt.Errorf("publish %s: %w", e.ID, broker.ErrDuplicate)
	}
	b.metrics.confirm.Observe(time.Since(began).Seconds())
	for _, name := range routes {
		b.queues[name].wake()
	}
	return nil
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

// Ready tells whether the line can store an event now: nil, or one of Publish's errors.
func (b *Broker) Ready() error {
	if err := diskFull(b.cfg.Path); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	return b.write.do(ctx, probe())
}

// readyTimeout is how long Ready waits for the disk.
const readyTimeout = 2 * time.Second

// Close stops the line: Consume calls take nothing more and are waited for until ctx ends, everything that was
// accepted is answered, and the file is free for another process. It is called once.
func (b *Broker) Close(ctx context.Context) error {
	var errs []error
	for name, q := range b.queues {
		if err := q.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("line %s: route %s has work running that will be done again: %w", b.cfg.Path, name, err))
		}
	}
	errs = append(errs, b.close())
	return errors.Join(append(errs, b.lock.release())...)
}
