// Package schedule emits events at the times of a clock, so that a regular job such as a reconciliation is an ordinary route.
//
// The ID of an event consists of its source and its due time, so that a broker detects an event that is emitted twice.
package schedule

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Broker is the part of a broker.Broker that an Emitter uses.
type Broker interface {
	broker.Publisher
	broker.Leader
	// Count adds one to broker.CountReceived or broker.CountDuplicate of a source, for audits.
	Count(source, kind string)
}

// Journal keeps the events for people. It never waits.
type Journal interface {
	// Stored records an event that the broker has stored. No secret belongs to it.
	Stored(e event.Event, secret string)
}

// Config configures an Emitter.
type Config struct {
	// Sources are the sources until a Reload. Without a source the Emitter emits nothing.
	Sources Sources
	// Window is the window in which the broker detects duplicates. If nobody emitted for a while, the Emitter emits the last due event
	// of each source within the window late. It leaves out older events, because they could have been emitted. 0 leaves out all.
	Window time.Duration
	// Journal is told of every stored event. nil: there is no journal.
	Journal Journal
}

const (
	checkPause     = time.Second     // between two reads of the clock, so that the clock may be set
	leadPause      = 5 * time.Second // between two elections
	publishTimeout = 10 * time.Second
	// longestSearch bounds the search for due times: without it, a clock that began in 1970 and is set would take minutes.
	longestSearch = 366 * 24 * time.Hour
)

// Emitter publishes the events of each source when they are due.
type Emitter struct {
	sources atomic.Pointer[Sources]
	window  time.Duration
	broker  Broker
	journal Journal // nil: none
	metrics *metrics
	failing bool // the last election failed, and the log says so; Run's
	log     *zap.Logger
}

// New makes an Emitter. It emits nothing before Run.
func New(cfg Config, b Broker, reg prometheus.Registerer, log *zap.Logger) (*Emitter, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	e := &Emitter{window: cfg.Window, broker: b, journal: cfg.Journal, metrics: m, log: log}
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
	checked := map[string]time.Time{} // by source: the time up to which this process has emitted
	for leads := false; ctx.Err() == nil; {
		pause, now, led := leadPause, time.Now().Round(0), leads // the clock's time, and no monotonic time
		if leads = e.leads(ctx); leads {
			if !led {
				e.takeOver(checked, now)
			}
			e.emit(ctx, checked, now)
			pause = checkPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	e.metrics.leads.Set(0)
	return nil
}

// leads reports whether this process leads. It does not after an error.
func (e *Emitter) leads(ctx context.Context) bool {
	leads := false
	if len(*e.sources.Load()) > 0 {
		electing, cancel := context.WithTimeout(ctx, leadPause) // a broker that is down may not answer
		defer cancel()
		var err error
		leads, err = e.broker.Leads(electing, broker.LeadSchedule)
		if err != nil && !e.failing && ctx.Err() == nil {
			e.log.Warn("the process that emits scheduled events is unknown; trying again", zap.Error(err))
		}
		e.failing = err != nil
	}
	e.metrics.leads.Set(map[bool]float64{true: 1}[leads])
	return leads
}

// takeOver begins with the events within the window. The broker detects those that another process, or an earlier run, has emitted. A
// source continues at the time up to which this process has emitted.
func (e *Emitter) takeOver(checked map[string]time.Time, now time.Time) {
	for _, s := range *e.sources.Load() {
		if begin := now.Add(-e.window); checked[s.name].Before(begin) {
			checked[s.name] = begin
		}
	}
}

// emit publishes the last event of each source that has become due since the last check. It tries a failed event again at the next check.
func (e *Emitter) emit(ctx context.Context, checked map[string]time.Time, now time.Time) {
	for _, s := range *e.sources.Load() {
		since, found := checked[s.name]
		if !found {
			since = now // a reload has just added it
		}
		if now.Sub(since) > longestSearch {
			since = now.Add(-longestSearch)
		}
		if due := s.latest(since, now); due.IsZero() || e.publish(ctx, s, due, now) {
			checked[s.name] = now
		}
	}
}

func (e *Emitter) publish(ctx context.Context, s *source, due, now time.Time) (stored bool) {
	ev, err := s.event(due, now)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
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
		if e.journal != nil {
			e.journal.Stored(ev, "")
		}
		log.Info("scheduled event emitted", zap.String("action", s.action), zap.Duration("late", now.Sub(due)))
	}
	return true
}
