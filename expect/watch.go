package expect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Source and Action are those of the events that tell of a missing event. Routes match them like others.
const (
	Source = "hookline"
	Action = "expected_missing"
)

const (
	checkEvery     = 10 * time.Second
	publishTimeout = 10 * time.Second
	// idFormat is RFC 3339 in UTC without the characters that a file name cannot have.
	idFormat = "20060102T150405Z"
)

// History knows the events that came to routes.
type History interface {
	// Latest returns the time of receipt of the newest event after since that the route's where chose; zero: there is none.
	Latest(ctx context.Context, route string, since time.Time) (time.Time, error)
}

// Broker stores the events of a Watch.
type Broker interface {
	broker.Publisher
	// Count adds one to broker.CountReceived or broker.CountDuplicate of a source, for audits.
	Count(source, kind string)
}

// Watch compares the events that came with those that should come.
type Watch struct {
	rules   map[string]rule
	configs map[string]Config
	file    stateFile
	history History
	broker  Broker
	overdue *prometheus.GaugeVec
	failing bool // the last check failed, and the log says so; Run's
	log     *zap.Logger

	mu     sync.Mutex
	states map[string]state
}

// New watches routes by name. file keeps its memory over restarts.
func New(routes map[string]Config, file string, history History, b Broker, reg prometheus.Registerer, log *zap.Logger) (*Watch, error) {
	w := &Watch{
		rules: map[string]rule{}, configs: routes, file: stateFile(file), history: history, broker: b, log: log,
		overdue: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_route_expected_overdue_seconds",
			Help: "How long an expected event of a route is overdue; 0: it is not."}, []string{"route"}),
	}
	for name, c := range routes {
		var err error
		if w.rules[name], err = newRule(c); err != nil {
			return nil, fmt.Errorf("expect: route %s: %w", name, err)
		}
		w.overdue.WithLabelValues(name)
	}
	var err error
	if w.states, err = w.file.read(); err != nil {
		log.Warn("the times of expected events cannot be read", zap.Error(err))
	}
	maps.DeleteFunc(w.states, func(name string, _ state) bool { return routes[name] == (Config{}) })
	return w, reg.Register(w.overdue)
}

// Run watches until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for ctx.Err() == nil {
		w.check(ctx, time.Now().Round(0)) // the clock's time, and no monotonic time
		select {
		case <-time.After(checkEvery):
		case <-ctx.Done():
		}
	}
}

// check looks for new events of all routes, tells of missing ones, and remembers both.
func (w *Watch) check(ctx context.Context, now time.Time) {
	before := w.snapshot()
	after := maps.Clone(before)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(w.rules)) {
		next, err := w.checkRoute(ctx, name, before[name], now)
		after[name], errs = next, append(errs, err)
	}
	if !maps.Equal(before, after) {
		w.mu.Lock()
		w.states = after
		w.mu.Unlock()
		errs = append(errs, w.file.write(after))
	}
	err := errors.Join(errs...)
	if err != nil && !w.failing && ctx.Err() == nil {
		w.log.Warn("expected events cannot be watched; trying again", zap.Error(err))
	}
	w.failing = err != nil
}

func (w *Watch) snapshot() map[string]state {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.states)
}

// checkRoute returns the next state of a route. A new route has its first event now, so that its first period is quiet.
func (w *Watch) checkRoute(ctx context.Context, name string, s state, now time.Time) (state, error) {
	if s.Last.IsZero() {
		return state{Last: now.UTC()}, nil
	}
	latest, err := w.history.Latest(ctx, name, s.Last)
	if err != nil {
		return s, fmt.Errorf("route %s: %w", name, err)
	}
	if latest.After(s.Last) {
		if !s.Told.IsZero() {
			w.log.Info("an expected event has come", zap.String("route", name), zap.Duration("late", latest.Sub(s.Told)))
		}
		s = state{Last: latest.UTC()}
	}
	due := w.rules[name].due(s.Last)
	w.overdue.WithLabelValues(name).Set(max(now.Sub(due), 0).Seconds())
	if !now.After(due) || s.Told.Equal(due) {
		return s, nil
	}
	if err := w.tell(ctx, name, s.Last, due, now); err != nil {
		return s, fmt.Errorf("route %s: tell that an expected event is missing: %w", name, err)
	}
	s.Told = due.UTC()
	return s, nil
}

// tell logs a missing event, and stores an event about it. Its ID is that of the route and the due time, so that the broker recognises one of
// another process.
func (w *Watch) tell(ctx context.Context, route string, last, due, now time.Time) error {
	data, err := json.Marshal(map[string]any{
		"route": route, "every": w.configs[route].Every.String(), "by": w.configs[route].By,
		"last": last.Format(time.RFC3339), "due": due.Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	e := event.Event{
		ID: "missing-" + route + "-" + due.UTC().Format(idFormat), Source: Source, Action: Action,
		Time: now.UTC().Truncate(time.Millisecond), ContentType: "application/json", Data: data,
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err = w.broker.Publish(ctx, e)
	duplicate := errors.Is(err, broker.ErrDuplicate)
	if err != nil && !duplicate {
		return err
	}
	w.broker.Count(Source, broker.CountReceived)
	if duplicate {
		w.broker.Count(Source, broker.CountDuplicate)
	}
	w.log.Error("an expected event is missing", zap.String("route", route), zap.Time("due", due), zap.Time("last", last))
	return nil
}

// Overdue is a route whose expected event has not come.
type Overdue struct {
	Route string
	Last  time.Time // of the latest event, or when the route was first watched
	Due   time.Time
}

// Overdue returns the routes whose expected events are overdue now, sorted by name.
func (w *Watch) Overdue() (all []Overdue) {
	now := time.Now()
	for name, s := range w.snapshot() {
		if due := w.rules[name].due(s.Last); now.After(due) {
			all = append(all, Overdue{name, s.Last, due})
		}
	}
	slices.SortFunc(all, func(a, b Overdue) int { return strings.Compare(a.Route, b.Route) })
	return all
}
