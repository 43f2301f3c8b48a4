package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// openOnce opens a broker that the test closes itself.
func openOnce(t testing.TB, cfg embedded.Config) *embedded.Broker {
	t.Helper()
	sqlite, err := embedded.Open(cfg, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	return sqlite
}

func publishAll(t *testing.T, sqlite broker.Publisher, n int) {
	t.Helper()
	for i := range n {
		if err := sqlite.Publish(t.Context(), sample(fmt.Sprint(i), []byte("body"))); err != nil {
			t.Fatal(err)
		}
	}
}

// buryAll gives up on n events of a route.
func buryAll(t *testing.T, sqlite broker.Consumer, r broker.Route, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := sqlite.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
		if n--; n == 0 {
			cancel()
		}
		return broker.GiveUp("permanent", errors.New("never"))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func all(broker.UndeliveredEvent) bool { return true }

func TestNothingIsStoredAfterClose(t *testing.T) {
	t.Parallel()
	sqlite := openOnce(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}})
	if err := sqlite.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	shut(t, sqlite)
	if err := sqlite.Publish(t.Context(), sample("1", nil)); !errors.Is(err, broker.ErrDown) {
		t.Errorf("publish: %v, want ErrDown", err)
	}
	err := sqlite.Consume(t.Context(), archive(1), func(context.Context, event.Delivery) broker.Outcome { return broker.Ack() })
	if !errors.Is(err, broker.ErrDown) {
		t.Errorf("consume: %v, want ErrDown", err)
	}
	if err := sqlite.Ready(); !errors.Is(err, broker.ErrDown) {
		t.Errorf("ready: %v, want ErrDown", err)
	}
}

func TestARouteThatIsNotConfiguredCannotBeConsumed(t *testing.T) {
	t.Parallel()
	sqlite := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}})
	for _, r := range []broker.Route{{Name: "other", Match: []string{"#"}, Concurrency: 1}, archive(0)} {
		if err := sqlite.Consume(t.Context(), r, nil); err == nil {
			t.Errorf("route %+v was consumed", r)
		}
	}
}

func TestWorkThatAStopInterruptsIsDoneAgain(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := openOnce(t, cfg)
	publishAll(t, sqlite, 1)
	running, finish, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- sqlite.Consume(t.Context(), archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
			if d.Redelivered {
				t.Error("the first delivery says that there was one before")
			}
			close(running)
			<-finish
			return broker.Ack()
		})
	}()
	<-running
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sqlite.Close(over); err == nil || !strings.Contains(err.Error(), "archive") {
		t.Errorf("close with work running: %v", err)
	}
	close(finish)
	if err := <-ended; err != nil {
		t.Errorf("consume: %v", err)
	}

	sqlite = open(t, cfg)
	ctx, stop := context.WithCancel(t.Context())
	err := sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
		stop()
		if d.Attempt != 1 || !d.Redelivered {
			t.Errorf("attempt %d, redelivered %v; want 1, true", d.Attempt, d.Redelivered)
		}
		return broker.Ack()
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEventsOfARemovedRouteStay(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := openOnce(t, cfg)
	publishAll(t, sqlite, 3)
	shut(t, sqlite)
	cfg.Routes = nil
	sqlite = openOnce(t, cfg)
	publishAll(t, sqlite, 2)
	if n := waiting(t, sqlite, broker.RoleWork, "archive"); n != 3 {
		t.Errorf("%d events wait, want 3", n)
	}
	if n := waiting(t, sqlite, broker.RoleUnrouted, ""); n != 2 {
		t.Errorf("%d events are unrouted, want 2", n)
	}
	shut(t, sqlite)
	cfg.Routes = []broker.Route{archive(1)}
	sqlite = open(t, cfg)
	if n, err := sqlite.Replay(t.Context(), broker.Unrouted, func(broker.UndeliveredEvent) bool { return true }); n != 2 || err != nil {
		t.Errorf("replayed %d, want 2: %v", n, err)
	}
	expectTallies(t, cfg.Path)
	handle(t, sqlite, archive(1), 5)
	expectTallies(t, cfg.Path)
}

func TestAnEventIsStoredOnceAndDeletedWithItsLastDelivery(t *testing.T) {
	t.Parallel()
	second := broker.Route{Name: "second", Match: []string{"alma.#"}, Concurrency: 1}
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1), second}}
	sqlite := open(t, cfg)
	publishAll(t, sqlite, 2)
	db := database(t, cfg.Path)
	for _, step := range []struct {
		do     func()
		events int
	}{
		{func() {}, 2},
		{func() { handle(t, sqlite, archive(1), 2) }, 2},
		{func() { handle(t, sqlite, second, 1) }, 1},
		{func() { buryAll(t, sqlite, second, 1) }, 1},
		{func() { _, _ = sqlite.Discard(t.Context(), "second", all) }, 0},
	} {
		step.do()
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM event").Scan(&n); err != nil || n != step.events {
			t.Errorf("%d events are kept, want %d: %v", n, step.events, err)
		}
	}
	expectTallies(t, cfg.Path)
}

func TestMetricsExistFromTheStart(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	sqlite, err := embedded.Open(embedded.Config{Path: filepath.Join(t.TempDir(), "line.db")}, reg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range families {
			for _, m := range f.GetMetric() {
				labels := ""
				for _, l := range m.GetLabel() {
					labels += l.GetName() + "=" + l.GetValue()
				}
				got = append(got, fmt.Sprint(f.GetName(), "{", labels, "} ", m.GetGauge().GetValue()+m.GetCounter().GetValue()+float64(m.GetHistogram().GetSampleCount())))
			}
		}
		if have := strings.Join(got, "\n"); have != want {
			t.Errorf("metrics:\n%s\nwant\n%s", have, want)
		}
	}
	const format = "hookline_broker_confirm_seconds{} %d\nhookline_broker_connected{connection=store} %d\nhookline_broker_reconnects_total{connection=store} 0"
	expect(fmt.Sprintf(format, 0, 1))
	publishAll(t, sqlite, 3)
	expect(fmt.Sprintf(format, 3, 1))
	shut(t, sqlite)
	expect(fmt.Sprintf(format, 3, 0))
}

func TestAnAttachedProcessReplaysAndDiscardsDeadLetters(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	if _, err := embedded.Attach(cfg); err == nil || !strings.Contains(err.Error(), "hookline run") {
		t.Errorf("attach without a broker: %v", err)
	}
	sqlite := open(t, cfg)
	publishAll(t, sqlite, 3)
	buryAll(t, sqlite, archive(1), 3)

	beside, err := embedded.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := beside.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var seen []string
	dead, _, err := beside.List(t.Context(), "archive", broker.Page{Limit: 10})
	for _, d := range dead {
		seen = append(seen, d.Event.ID+d.LastError)
	}
	if strings.Join(seen, " ") != "0never 1never 2never" || err != nil {
		t.Errorf("dead letters %q, %v", seen, err)
	}
	if n, err := beside.Discard(t.Context(), "archive", func(d broker.UndeliveredEvent) bool { return d.Event.ID == "1" }); n != 1 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}

	// The consumer runs, and its queue is empty before the replay: nothing in its process wakes it.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ended, got := make(chan error, 1), make(chan string, 2)
	go func() {
		ended <- sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
			got <- fmt.Sprint(d.Event.ID, " ", d.Attempt)
			return broker.Ack()
		})
	}()
	if n, err := beside.Replay(t.Context(), "archive", all); n != 2 || err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	for _, want := range []string{"0 1", "2 1"} {
		select {
		case have := <-got:
			if have != want {
				t.Errorf("delivered %q, want %q", have, want)
			}
		case <-ctx.Done():
			t.Fatal("an event that another process replayed was not delivered")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := waiting(t, beside, broker.RoleDead, "archive") + waiting(t, beside, broker.RoleWork, "archive"); n != 0 {
		t.Errorf("%d events are left", n)
	}
	expectTallies(t, cfg.Path)
}
