// Package schedule emits events at the times of a clock: reconciliation and the like are then ordinary routes.
//
// An event's ID is made of its source and its due time, so that a line tells one that is emitted again.
package schedule

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// Broker is the part of a broker.Broker that an Emitter uses.
type Broker interface {
	broker.Publisher
	broker.Leader
	// Count adds one to broker.CountReceived or broker.CountDuplicate of a source, for the audit.
	Count(source, what string)
}

// Config says what is emitted.
type Config struct {
	// Sources by name; none: nothing is emitted, until a Reload.
	Sources Sources
	// Window is for how long the line knows that an event was stored before. What was due within it while nobody emitted is
	// emitted late, of each source the last; what was due before is left out, as it could have been emitted. 0: all is left out.
	Window time.Duration
}

const (
	lookPause   = time.Second     // between two looks at the clock, so that it may be set
	turnPause   = 5 * time.Second // between two questions whose turn it is
	publishTime = 10 * time.Second
	// longestLook bounds how far back is looked for what was due: a clock that began in 1970 and is set would keep us busy for minutes.
	longestLook = 366 * 24 * time.Hour
)

// Emitter publishes each source's events when they are due.
type Emitter struct {
	sources atomic.Pointer[Sources]
	window  time.Duration
	broker  Broker
	metrics *metrics
	puzzled bool // Run's: it has said that it cannot tell whose turn it is
	log     *zap.Logger
}

// New makes an Emitter. It emits nothing before Run.
func New(cfg Config, b Broker, reg prometheus.Registerer, log *zap.Logger) (*Emitter, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	e := &Emitter{window: cfg.Window, broker: b, metrics: m, log: log}
	e.Reload(cfg.Sources)
	return e, nil
}

// Reload replaces all sources.
func (e *Emitter) Reload(sources Sources) {
	for _, s := range sources {
		e.metrics.prepare(s.name)
	}
	e.sources.Store(&sources)
}

// Run emits until ctx ends. It returns nil.
func (e *Emitter) Run(ctx context.Context) error {
	looked := map[string]time.Time{} // when, by source, what was due before has been emitted by us
	for ours := false; ctx.Err() == nil; {
		pause, now, before := turnPause, time.Now().Round(0), ours // the clock's time, not the time since the start
		if ours = e.ours(ctx); ours {
			if !before {
				e.begin(looked, now)
			}
			e.emit(ctx, looked, now)
			pause = lookPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	e.metrics.turn.Set(0)
	return nil
}

// ours tells whether it is our turn. What cannot be told is no.
func (e *Emitter) ours(ctx context.Context) bool {
	mine := false
	if len(*e.sources.Load()) > 0 {
		asking, cancel := context.WithTimeout(ctx, turnPause) // a line that is away may have us wait
		defer cancel()
		var err error
		mine, err = e.broker.Leads(asking, broker.LeadSchedule)
		if err != nil && !e.puzzled && ctx.Err() == nil {
			e.log.Warn("it cannot be told which process emits scheduled events; asking again", zap.Error(err))
		}
		e.puzzled = err != nil
	}
	e.metrics.turn.Set(map[bool]float64{true: 1}[mine])
	return mine
}

// begin looks as far back as the line remembers: it tells what another process, or this one before it was started, has emitted.
// What this one has emitted itself it need not tell.
func (e *Emitter) begin(looked map[string]time.Time, now time.Time) {
	for _, s := range *e.sources.Load() {
		if back := now.Add(-e.window); looked[s.name].Before(back) {
			looked[s.name] = back
		}
	}
}

// emit publishes what has become due since the last look, of each source the last. What fails is tried at the next look.
func (e *Emitter) emit(ctx context.Context, looked map[string]time.Time, now time.Time) {
	for _, s := range *e.sources.Load() {
		since, known := looked[s.name]
		if !known {
			since = now // it was added just now
		}
		if now.Sub(since) > longestLook {
			since = now.Add(-longestLook)
		}
		if due := s.latest(since, now); due.IsZero() || e.publish(ctx, s, due, now) {
			looked[s.name] = now
		}
	}
}

func (e *Emitter) publish(ctx context.Context, s *source, due, now time.Time) (stored bool) {
	ev, err := s.event(due, now)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, publishTime)
		defer cancel()
		err = e.broker.Publish(ctx, ev)
	}
	log := e.log.With(zap.String("source", s.name), zap.String("id", ev.ID))
	switch {
	case errors.Is(err, broker.ErrDuplicate):
		e.metrics.events.WithLabelValues(s.name, duplicate).Inc()
		e.broker.Count(s.name, broker.CountReceived)
		e.broker.Count(s.name, broker.CountDuplicate)
		log.Info("scheduled event was emitted before")
	case err != nil:
		e.metrics.events.WithLabelValues(s.name, failed).Inc()
		log.Warn("scheduled event not stored; trying again", zap.String("reason", broker.Reason(err)), zap.Error(err))
		return false
	default:
		e.metrics.events.WithLabelValues(s.name, emitted).Inc()
		e.broker.Count(s.name, broker.CountReceived)
		log.Info("scheduled event emitted", zap.String("action", s.action), zap.Duration("late", now.Sub(due)))
	}
	return true
}
