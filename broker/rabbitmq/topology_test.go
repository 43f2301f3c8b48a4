package rabbitmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAMismatchIsReportedAndUsedAsItIs(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	for _, q := range rabbitmq.NewTopology([]broker.Route{r}).Queues {
		if q.Name == broker.WorkQueue("archive") {
			q.Args["x-delivery-limit"] = 5
			if _, err := channel(t, url).QueueDeclare(q.Name, true, false, false, false, q.Args); err != nil {
				t.Fatal(err)
			}
		}
	}
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	core, logs := observer.New(zap.WarnLevel)
	reg := prometheus.NewRegistry()
	line, err := rabbitmq.Open(cfg, reg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close(context.Background()) })
	publish(t, line, anEvent("1"))
	if d := next(t, take(t, line, r)); d.Event.ID != "1" {
		t.Errorf("got %s", d.Event.ID)
	}
	seen := logs.FilterFieldKey("difference").All()
	if len(seen) != 1 || !strings.Contains(seen[0].ContextMap()["difference"].(string), "x-delivery-limit") {
		t.Errorf("%d logs: %v", len(seen), seen)
	}
	if n := gauge(t, reg, "hookline_broker_topology_mismatches"); n != 1 {
		t.Errorf("%v mismatches, want 1", n)
	}
	changes, err := rabbitmq.Plan(patient(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		switch {
		case c.Name == broker.WorkQueue("archive") && (c.State != rabbitmq.StateDiffers || !strings.Contains(c.Detail, "x-delivery-limit")):
			t.Errorf("plan: %+v", c)
		case c.Name != broker.WorkQueue("archive") && c.Kind != "binding" && c.State != rabbitmq.StateExists:
			t.Errorf("plan: %+v", c)
		}
	}
}

func TestPlanChangesNothingAndApplyMakesAll(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{URLs: []string{"amqp://127.0.0.1:1/", rabbitnode.URL(t)}, Routes: []broker.Route{route("archive", "#")}}
	states := func(run func(context.Context, rabbitmq.Config) ([]rabbitmq.Change, error)) map[rabbitmq.State]int {
		t.Helper()
		changes, err := run(patient(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		count := map[rabbitmq.State]int{}
		for _, c := range changes {
			count[c.State]++
		}
		return count
	}
	for range 2 {
		if n := states(rabbitmq.Plan); n[rabbitmq.StateMissing] < 10 || len(n) != 2 || n[rabbitmq.StateUnknown] == 0 {
			t.Errorf("plan on an empty broker: %v", n)
		}
	}
	if n := states(rabbitmq.Apply); n[rabbitmq.StateMade] < 10 || len(n) != 2 || n[rabbitmq.StateBound] == 0 {
		t.Errorf("apply: %v", n)
	}
	if n := states(rabbitmq.Plan); n[rabbitmq.StateExists] < 10 || len(n) != 2 {
		t.Errorf("plan afterwards: %v", n)
	}
	if n := states(rabbitmq.Apply); len(n) != 2 || n[rabbitmq.StateExists] == 0 || n[rabbitmq.StateBound] == 0 {
		t.Errorf("apply again: %v", n)
	}
}

// RabbitMQ 4.0 tells whoever binds second that a binding exists, though it is not yet in force.
func TestProcessesThatStartAtOnceMissNothing(t *testing.T) {
	t.Parallel()
	const lines, events = 8, 3
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{route("archive", "#"), route("jobs", "alma.#")}}
	var group errgroup.Group
	for i := range lines {
		line := open(t, cfg)
		group.Go(func() error {
			for j := range events {
				err := broker.ErrRefused
				for errors.Is(err, broker.ErrRefused) { // as by RabbitMQ 3.10, while another process makes the queue
					err = line.Publish(patient(t), anEvent(id(i*events+j)))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	line := open(t, cfg)
	for _, route := range []string{"archive", "jobs"} {
		expectAudit(t, line, route, broker.RouteAudit{Accepted: lines * events, Waiting: lines * events})
	}
	if n := waiting(t, line, broker.UnroutedQueue); n != 0 {
		t.Errorf("%d unrouted", n)
	}
}

func TestUnbindNarrowsARoute(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	wide := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "alma.#", "github.#")}}
	if _, err := rabbitmq.Apply(patient(t), wide); err != nil {
		t.Fatal(err)
	}
	narrow := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "github.#")}}
	for range 2 {
		if err := rabbitmq.Unbind(patient(t), narrow, "archive", "alma.#"); err != nil {
			t.Fatal(err)
		}
	}
	if err := rabbitmq.Unbind(patient(t), narrow, "archiv", "alma.#"); err == nil || !strings.Contains(err.Error(), `no queue of a route "archiv"`) {
		t.Errorf("a route that does not exist: %v", err)
	}
	line := open(t, narrow)
	publish(t, line, anEvent("1"))
	eventually(t, "the event to be unrouted", func() bool { return waiting(t, line, broker.UnroutedQueue) == 1 })
	if n := waiting(t, line, broker.WorkQueue("archive")); n != 0 {
		t.Errorf("%d events still go to the route", n)
	}
}

func TestAReplayedEventThatComesBackIsReplayedOnce(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	publish(t, open(t, rabbitmq.Config{URLs: []string{url}}), anEvent("1"), anEvent("2"))
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "alma.#")}})
	eventually(t, "both connections", func() bool { return waiting(t, line, broker.UnroutedQueue) == 2 && line.Ready() == nil })
	// As if this user might not bind the queue.
	if err := channel(t, url).QueueUnbind(broker.WorkQueue("archive"), "alma.#", rabbitmq.EventsExchange, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := line.ReplayUnrouted(patient(t), func(event.Event) bool { return true }); err != nil {
		t.Error(err)
	}
	eventually(t, "both to be unrouted", func() bool { return waiting(t, line, broker.UnroutedQueue) == 2 })
}

func TestADeletedQueueIsMadeAgainAndConsumed(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r, other := route("archive", "#"), route("other", "#")
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, other}})
	got := take(t, line, r)
	publish(t, line, anEvent("before"))
	next(t, got)
	if _, err := channel(t, url).QueueDelete(broker.WorkQueue("archive"), false, false, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue and its consumer", func() bool {
		infos, err := line.Queues(patient(t))
		for _, q := range infos {
			if q.Name == broker.WorkQueue("archive") {
				return err == nil && q.Consumers == 1
			}
		}
		return false
	})
	publish(t, line, anEvent("after"))
	if d := next(t, got); d.Event.ID != "after" {
		t.Errorf("got %s", d.Event.ID)
	}
}

func TestARouteThatIsNotConfiguredCannotBeConsumed(t *testing.T) {
	t.Parallel()
	line := open(t, rabbitmq.Config{URLs: []string{"amqp://127.0.0.1:1/"}, Routes: []broker.Route{route("archive", "#")}})
	fn := func(context.Context, event.Delivery) broker.Outcome { return broker.Ack() }
	if err := line.Consume(t.Context(), route("other", "#"), fn); err == nil {
		t.Error("it was consumed")
	}
	if err := line.Consume(t.Context(), broker.Route{Name: "archive"}, fn); err == nil {
		t.Error("it was consumed by nobody at once")
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{"amqp://127.0.0.1:1/"}, Routes: []broker.Route{r}})
	ended := make(chan error, 2)
	go func() { ended <- line.Publish(t.Context(), anEvent("1")) }()
	go func() {
		ended <- line.Consume(t.Context(), r, func(context.Context, event.Delivery) broker.Outcome { return broker.Ack() })
	}()
	if err := line.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, broker.ErrDown) {
			t.Errorf("%v, want ErrDown", err)
		}
	}
	if err := line.Ready(); !errors.Is(err, broker.ErrDown) {
		t.Errorf("Ready: %v", err)
	}
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
