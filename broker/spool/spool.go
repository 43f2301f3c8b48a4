// Package spool keeps events on the receiver's own disk while the line cannot store them, and hands them on to it, oldest
// first, when it can.
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

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/deadline"
	"github.com/hookline/hookline/pkg/event"
)

// Broker is the part of a broker.Broker that a Spool stands in for.
type Broker interface {
	broker.Publisher
	// Ready returns nil when an event can be stored now.
	Ready() error
}

// Store is a line on this machine's disk with one route, Route. It outlives the process, however that ends.
type Store interface {
	Broker
	broker.Consumer
	Backlog
}

// Backlog tells what a store holds.
type Backlog interface {
	// Oldest is when the receiver took the event that was stored first; the zero time if there is none.
	Oldest(ctx context.Context) (time.Time, error)
	// Size is how many events there are and how many bytes of the disk are in use.
	Size(ctx context.Context) (events int, bytes int64, err error)
	// Sources is how many events of each source there are; never nil without an error.
	Sources(ctx context.Context) (map[string]int64, error)
}

// Route is the one that a Store has to have. It brings one event at a time, so that their order is kept and live events
// never wait behind more than one spooled event.
func Route() broker.Route { return broker.Route{Name: "spool", Match: []string{"#"}, Concurrency: 1} }

// Config says what is spooled.
type Config struct {
	// Sources are all sources, true for those whose events are spooled; others' go to the line or are refused.
	Sources map[string]bool
	// MaxAge is how long the oldest event may have been here for another one to be taken: what would be handed on
	// later than that, the sender shall hear of. What is here already stays. More than 0.
	MaxAge time.Duration
}

// Spool is a broker.Publisher that stores on the line, or else on the disk. It is safe for concurrent use.
type Spool struct {
	cfg       Config
	deadlines map[string]*deadline.Shared // the line's, by source
	broker    Broker
	store     Store
	counter   Counter
	metrics   *metrics
	log       *zap.Logger
}

// Used tells whether any source is spooled.
func (c Config) Used() bool {
	return slices.Contains(slices.Collect(maps.Values(c.Sources)), true)
}

// places says whose events are stored where while the line takes none.
func (c Config) places() string {
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

var _ broker.Publisher = (*Spool)(nil)

// New checks cfg. The spool hands events on once Run is called; both line and store stay the caller's to close.
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

// lineShare is how much of the time that is left the line gets, in percent; the rest is for the disk.
const lineShare = 60

// errOld says that the line has been away for too long to take more.
var errOld = errors.New("its oldest event has waited for longer than spool.max_age")

// Publish stores e on the line, or on the disk if the line does not take it; then it is durable, and comes to the queues of
// its routes when the line is back. An event whose confirm from the line came
// too late can be stored twice. The error is the line's, and then the disk's; broker.ErrDuplicate comes from either.
func (s *Spool) Publish(ctx context.Context, e event.Event) error {
	if !s.cfg.Sources[e.Source] {
		return s.broker.Publish(ctx, e)
	}
	why := s.tryLine(ctx, e)
	if why == nil || errors.Is(why, broker.ErrDuplicate) {
		return why
	}
	switch err := s.keep(ctx, e); {
	case errors.Is(err, broker.ErrDuplicate):
		return fmt.Errorf("spool: %w", err)
	case err != nil:
		return fmt.Errorf("%w; and the spool cannot take it: %w", why, err)
	}
	s.log.Warn("event spooled", zap.String("source", e.Source), zap.String("id", e.ID), zap.String("reason", broker.Reason(why)), zap.Error(why))
	return nil
}

func (s *Spool) tryLine(ctx context.Context, e event.Event) error {
	if err := s.broker.Ready(); err != nil {
		return err
	}
	if end, ok := ctx.Deadline(); ok {
		now := time.Now()
		ctx = s.deadlines[e.Source].Until(now.Add(end.Sub(now) * lineShare / 100)) // that is before the end of ctx
	}
	return s.broker.Publish(ctx, e)
}

func (s *Spool) keep(ctx context.Context, e event.Event) error {
	err := s.young(ctx)
	if err == nil {
		err = s.store.Publish(ctx, e)
	}
	s.metrics.kept(e.Source, err)
	return err
}

// young returns an error when the oldest event is too old.
func (s *Spool) young(ctx context.Context) error {
	oldest, err := s.store.Oldest(ctx)
	if err == nil && !oldest.IsZero() && time.Since(oldest) > s.cfg.MaxAge {
		err = fmt.Errorf("%w of %v, since %s", errOld, s.cfg.MaxAge, oldest.Format(event.TimeFormat))
	}
	return err
}

// Ready says in a few words where an event would be stored now. An error says why it would be in neither place.
func (s *Spool) Ready() (string, error) {
	line := s.broker.Ready()
	if !s.cfg.Used() {
		return "ok", line
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	spool := s.usable(ctx)
	switch {
	case line == nil && spool == nil:
		return "ok", nil
	case line == nil:
		return fmt.Sprintf("ok, but the spool could not stand in for the line: %v", spool), nil
	case spool == nil:
		return fmt.Sprintf("ok, %s: %v", s.cfg.places(), line), nil
	}
	return "", fmt.Errorf("%w; and the spool: %w", line, spool)
}

// readTime bounds a look at the store.
const readTime = 2 * time.Second

// usable tells why no event can be spooled now.
func (s *Spool) usable(ctx context.Context) error {
	if err := s.young(ctx); err != nil {
		return err
	}
	return s.store.Ready()
}
