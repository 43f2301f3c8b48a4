package spool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/pkg/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBroker is a spool.Broker that keeps the IDs of events, or fails as a fault says.
type fakeBroker struct {
	mu      sync.Mutex
	ready   error
	publish func(ctx context.Context, e event.Event) error // nil: by ready
	got     []string
	changed chan struct{} // closed and replaced with each event
}

func newFakeBroker() *fakeBroker { return &fakeBroker{changed: make(chan struct{})} }

// fault is a way in which a broker does not store.
type fault struct {
	ready   error
	publish func(ctx context.Context, e event.Event) error
}

func faults() map[string]fault {
	return map[string]fault{
		"down":    {ready: broker.ErrDown},
		"blocked": {ready: broker.ErrBlocked},
		"lost":    {publish: func(context.Context, event.Event) error { return broker.ErrDown }},
		"nack":    {publish: func(context.Context, event.Event) error { return fmt.Errorf("negative confirm: %w", broker.ErrRefused) }},
		"return":  {publish: func(context.Context, event.Event) error { return fmt.Errorf("no queue: %w", broker.ErrRefused) }},
		"hang":    {publish: hang},
		"odd":     {publish: func(context.Context, event.Event) error { return errors.New("odd") }},
	}
}

func hang(ctx context.Context, _ event.Event) error {
	<-ctx.Done()
	return broker.ErrUnknown
}

func (f *fakeBroker) become(with fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready, f.publish = with.ready, with.publish
}

func (f *fakeBroker) heal() { f.become(fault{}) }

func (f *fakeBroker) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ready
}

func (f *fakeBroker) Publish(ctx context.Context, e event.Event) error {
	return f.store(ctx, e)
}

func (f *fakeBroker) store(ctx context.Context, e event.Event) error {
	f.mu.Lock()
	ready, publish := f.ready, f.publish
	f.mu.Unlock()
	if ready != nil {
		return ready
	}
	if publish != nil {
		if err := publish(ctx, e); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, e.ID)
	close(f.changed)
	f.changed = make(chan struct{})
	return nil
}

// PublishSpooled shows the routes of an event to publish in its action.
func (f *fakeBroker) PublishSpooled(ctx context.Context, e event.Event, routes []string) error {
	if routes != nil {
		e.Action = "for-" + strings.Join(routes, "-")
	}
	return f.store(ctx, e)
}

// await waits until n events have arrived, and returns all.
func (f *fakeBroker) await(t testing.TB, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		f.mu.Lock()
		got, changed := f.got, f.changed
		f.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%d of %d events arrived: %v", len(got), n, got)
		}
	}
}

const maxAge = time.Hour

func storeConfig(t testing.TB) embedded.Config {
	return embedded.Config{Path: filepath.Join(t.TempDir(), "spool.db"), Routes: []broker.Route{spool.Route()}, Direct: []string{"route:full"}}
}

// openStore opens a real store; the returned function closes it.
func openStore(t testing.TB, cfg embedded.Config) (*embedded.Broker, func()) {
	t.Helper()
	store, err := embedded.Open(cfg, prometheus.NewRegistry(), zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)))
	if err != nil {
		t.Fatal(err)
	}
	return store, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := store.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// rig is a spool of the source "github" between a fake broker and a store.
type rig struct {
	*spool.Spool
	fake *fakeBroker
	reg  *prometheus.Registry
}

func newRig(t testing.TB, fake *fakeBroker, store spool.Store) rig {
	t.Helper()
	s, reg := newSpool(t, fake, store)
	return rig{s, fake, reg}
}

func newSpool(t testing.TB, b spool.Broker, store spool.Store) (*spool.Spool, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	s, err := spool.New(spool.Config{Sources: map[string]bool{"github": true, "stripe": false}, MaxAge: maxAge}, b, store, &reports{}, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return s, reg
}

// realRig is a rig with a real store that lives as long as the test.
func realRig(t testing.TB, cfg embedded.Config) rig {
	t.Helper()
	store, shut := openStore(t, cfg)
	t.Cleanup(shut)
	return newRig(t, newFakeBroker(), store)
}

// run runs the spool until the returned function is called, or the test ends.
func (r rig) run(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func sample(id string) event.Event {
	return event.Event{ID: id, Source: "github", Action: "push", Time: time.Now().UTC().Truncate(time.Millisecond), Data: []byte(`{}`)}
}

// publish publishes events e-000, e-001 ... and returns their IDs.
func (r rig) publish(t testing.TB, from, to int) (ids []string) {
	t.Helper()
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("e-%03d", i))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := r.Publish(ctx, sample(ids[len(ids)-1]))
		cancel()
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	return ids
}

// metric returns the value of a series, which has the label value if it has a label.
func (r rig) metric(t testing.TB, name, label string) float64 {
	t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "hookline_spool_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			if labels := m.GetLabel(); label == "" && len(labels) == 0 || len(labels) == 1 && labels[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no series %s %q", name, label)
	return 0
}

func (r rig) expect(t testing.TB, name, label string, want float64) {
	t.Helper()
	if got := r.metric(t, name, label); got != want {
		t.Errorf("%s %s is %v, not %v", name, label, got, want)
	}
}
