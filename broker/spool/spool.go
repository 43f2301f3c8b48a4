// Package spool stores events on the receiver's own disk while the broker cannot store them. It publishes them to the broker later,
// oldest first.
package spool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/deadline"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// brokerShare is the share of the time until the caller's deadline that the broker gets, in percent. The disk gets the rest.
	brokerShare = 60
	// confirmTimeout bounds the publish of a spooled event. A stop can take as long.
	confirmTimeout = 10 * time.Second
	// readyPause is the time between two checks whether the broker is ready again.
	readyPause = 250 * time.Millisecond
	// When the broker has not stored an event maxFailures times, the spool publishes the events behind it first. It retries the event
	// after one second, and doubles the pause each time, up to 1<<maxDoublings seconds. A single failure does not count, because the
	// connection may have been lost for a moment.
	maxFailures  = 2
	maxDoublings = 6
	// readTimeout bounds a read of the store.
	readTimeout = 2 * time.Second
)

// errOld reports that the spool takes no more events, because the broker has been unavailable for too long.
var errOld = errors.New("its oldest event has waited for the broker for longer than spool.max_age")

// Broker is the part of a broker.Broker that a Spool publishes to.
type Broker interface {
	broker.Publisher
	// PublishSpooled stores an event as Publish does, and holds up no event of Publish, also if the broker refuses the event. With
	// routes it stores the event for these only. A broker.PartlyError has the routes that lack it.
	PublishSpooled(ctx context.Context, e event.Event, routes []string) error
	// Ready returns nil if an event can be stored now.
	Ready() error
}

// Counter receives the numbers of spooled events for audits.
type Counter interface {
	// Spooled sets the number of spooled events of each source, and the numbers of the spool. Sources that are left out have none.
	Spooled(events map[string]int64, counts broker.SpoolCounts)
}

// Config configures a spool.
type Config struct {
	// Sources has every source, and true for those with spooled events. A spool passes events of the others to the broker only.
	Sources map[string]bool
	// MaxAge, more than 0, is the age of the oldest spooled event at which the spool takes no more events. So the sender learns that
	// an event would arrive later than that. Spooled events stay. Events that the broker refused do not count, because events behind
	// them are published.
	MaxAge time.Duration
	// Routes are the names of all routes of the broker.
	Routes []string
	// Dir is the folder of the spool's files. Open creates it.
	Dir string
	// MaxBytes bounds the database file; see embedded.Config.
	MaxBytes int64
	// Duplicates is the window in which the spool detects duplicates; see embedded.Config.
	Duplicates time.Duration
}

// Used reports whether the events of any source are spooled.
func (c Config) Used() bool {
	return slices.Contains(slices.Collect(maps.Values(c.Sources)), true)
}

// whileDown describes for each source where its events go while the broker is not ready.
func (c Config) whileDown() string {
	var spooled, refused []string
	for _, source := range slices.Sorted(maps.Keys(c.Sources)) {
		if c.Sources[source] {
			spooled = append(spooled, source)
		} else {
			refused = append(refused, source)
		}
	}
	text := "events of " + strings.Join(spooled, ", ") + " are spooled"
	if len(refused) > 0 {
		text += ", those of " + strings.Join(refused, ", ") + " answered 503"
	}
	return text
}

// Spool is a broker.Publisher that stores events on the broker, or else on the disk. It is safe for concurrent use.
type Spool struct {
	cfg       Config
	deadlines map[string]*deadline.Shared // of publishes to the broker, by source
	broker    Broker
	store     Store
	counts    *counts // nil: only the store counts
	counter   Counter
	metrics   *metrics
	log       *zap.Logger
}

var _ broker.Publisher = (*Spool)(nil)

// New checks cfg and returns a Spool with a store. Run publishes its events, Close closes the store.
func New(cfg Config, b Broker, store Store, counter Counter, reg prometheus.Registerer, log *zap.Logger) (*Spool, error) {
	if cfg.MaxAge <= 0 {
		return nil, fmt.Errorf("spool: max age is %v; it must be more than 0", cfg.MaxAge)
	}
	m, err := newMetrics(cfg.Sources, reg)
	s := &Spool{cfg: cfg, deadlines: map[string]*deadline.Shared{}, broker: b, store: store, counter: counter, metrics: m, log: log}
	for source := range cfg.Sources {
		s.deadlines[source] = &deadline.Shared{}
	}
	if err := errors.Join(err, reg.Register(newCollector(s))); err != nil {
		return nil, fmt.Errorf("spool: metrics: %w", err)
	}
	return s, nil
}

// Publish stores e on the broker, or durably on the disk if the broker does not store it. The broker can store an event twice if its
// confirm came too late. An event that is too large for the broker is not stored. The error wraps the broker's and then the disk's
// error. Both can be broker.ErrDuplicate.
func (s *Spool) Publish(ctx context.Context, e event.Event) error {
	if !s.cfg.Sources[e.Source] {
		return s.broker.Publish(ctx, e)
	}
	brokerErr := s.publishToBroker(ctx, e)
	if brokerErr == nil || errors.Is(brokerErr, broker.ErrDuplicate) || errors.Is(brokerErr, broker.ErrTooLarge) {
		return brokerErr
	}
	switch err := s.publishToDisk(ctx, e, s.lacking(brokerErr)); {
	case errors.Is(err, broker.ErrDuplicate):
		return fmt.Errorf("spool: %w", err)
	case err != nil:
		return fmt.Errorf("%w; the spool cannot store it either: %w", brokerErr, err)
	}
	s.log.Warn("event spooled", zap.String("source", e.Source), zap.String("id", e.ID), zap.String("reason", broker.Reason(brokerErr)), zap.Error(brokerErr))
	return nil
}

func (s *Spool) publishToBroker(ctx context.Context, e event.Event) error {
	if err := s.broker.Ready(); err != nil {
		return err
	}
	if end, ok := ctx.Deadline(); ok {
		now := time.Now()
		ctx = s.deadlines[e.Source].Until(now.Add(end.Sub(now) * brokerShare / 100)) // ends before ctx
	}
	return s.broker.Publish(ctx, e)
}

// publishToDisk stores e for the routes that lack it, or for all if there are none.
func (s *Spool) publishToDisk(ctx context.Context, e event.Event, routes []string) error {
	err := s.checkAge(ctx)
	if err == nil {
		err = s.counts.publish(max(1, len(routes)), func() error {
			if routes == nil {
				return s.store.Publish(ctx, e)
			}
			return s.store.PublishTo(ctx, e, queues(routes))
		})
	}
	s.metrics.countPublish(e.Source, err)
	return err
}

// checkAge returns an error if the oldest event that the broker has not refused is too old.
func (s *Spool) checkAge(ctx context.Context) error {
	oldest, err := s.store.OldestUnrefused(ctx, Route().Name)
	if err == nil && !oldest.IsZero() && time.Since(oldest) > s.cfg.MaxAge {
		err = fmt.Errorf("%w of %v, since %s", errOld, s.cfg.MaxAge, oldest.Format(event.TimeFormat))
	}
	return err
}

// Ready describes where an event is stored now. It returns an error if an event can be stored neither on the broker nor on the disk.
func (s *Spool) Ready() (string, error) {
	brokerErr := s.broker.Ready()
	if !s.cfg.Used() {
		return "ok", brokerErr
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	storeErr := s.usable(ctx)
	switch {
	case brokerErr == nil && storeErr == nil:
		return "ok", nil
	case brokerErr == nil:
		return fmt.Sprintf("ok, but the spool cannot replace the broker: %v", storeErr), nil
	case storeErr == nil:
		return fmt.Sprintf("ok, %s: %v", s.cfg.whileDown(), brokerErr), nil
	}
	return "", fmt.Errorf("%w; and the spool: %w", brokerErr, storeErr)
}

// usable returns an error if no event can be spooled now.
func (s *Spool) usable(ctx context.Context) error {
	if err := s.store.Ready(); err != nil {
		return err
	}
	return s.checkAge(ctx)
}

// Run publishes spooled events to the broker until ctx ends, one at a time and oldest first. An event that only some routes lack waits for
// each of them in a queue of its own, so that a full work queue delays no other route. Run returns an error if the store cannot
// be read.
//
// An event leaves the disk after the broker's confirm, so a crash in between publishes it twice. It also leaves the disk if the
// broker reports a duplicate, which the sender sent when the broker was ready again.
func (s *Spool) Run(ctx context.Context) error {
	reporting, stop := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		s.report(reporting)
	}()
	group, consuming := errgroup.WithContext(ctx)
	group.Go(func() error { return s.store.Consume(consuming, Route(), s.drain(consuming.Done())) })
	for _, queue := range s.store.Direct() {
		group.Go(func() error {
			return s.store.Consume(consuming, broker.Route{Name: queue, Concurrency: 1}, s.drainRoute(routeOf(queue), consuming.Done()))
		})
	}
	err := group.Wait()
	stop()
	<-reported
	return err
}

// drain returns a Process that publishes an event. It waits while the broker is not ready, so that later events stay behind it. An event
// that the broker refuses for good is a dead letter of the spool.
func (s *Spool) drain(stop <-chan struct{}) broker.Process {
	return func(ctx context.Context, d event.Delivery) broker.Outcome {
		for failures := 0; ; {
			if s.broker.Ready() == nil {
				err := s.republish(ctx, d.Event, nil)
				lacking := s.lacking(err)
				switch {
				case lacking != nil:
					return embedded.MoveTo(queues(lacking)...)
				case err == nil:
					return broker.Ack()
				case errors.Is(err, broker.ErrRejected):
					return broker.GiveUp(broker.Reason(err), err)
				}
				if failures++; failures >= maxFailures {
					return broker.Retry(time.Second<<min(d.Attempt-1, maxDoublings), broker.Reason(err), err)
				}
			}
			select {
			case <-time.After(readyPause):
			case <-stop:
				return broker.Requeue()
			}
		}
	}
}

func (s *Spool) republish(ctx context.Context, e event.Event, routes []string) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	source, id := zap.String("source", e.Source), zap.String("id", e.ID)
	err := s.broker.PublishSpooled(ctx, e, routes)
	switch {
	case errors.Is(err, broker.ErrRejected) && routes == nil:
		s.log.Error("the broker refused a spooled event for good; it is a dead letter of the spool: see `hookline dead list "+broker.Spool+"`", source, id, zap.Error(err))
		return err
	case err != nil && !errors.Is(err, broker.ErrDuplicate):
		s.log.Warn("the broker did not store a spooled event; it stays in the spool", source, id, zap.Error(err))
		return err
	}
	s.counts.published()
	s.metrics.drained.Inc()
	s.log.Info("spooled event published", source, id, zap.Duration("after", time.Since(e.Time)))
	return nil
}

// Close closes the store. Call it after Run has returned.
func (s *Spool) Close(ctx context.Context) error {
	return errors.Join(s.counts.close(), s.store.Close(ctx))
}
