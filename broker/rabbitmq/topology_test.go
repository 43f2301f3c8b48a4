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
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}, Management: rabbitnode.Shared(t).API}
	core, logs := observer.New(zap.WarnLevel)
	reg := prometheus.NewRegistry()
	rabbit, err := rabbitmq.Open(cfg, reg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rabbit.Close(context.Background()) })
	publish(t, rabbit, anEvent("1"))
	if d := next(t, take(t, rabbit, r)); d.Event.ID != "1" {
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

// RabbitMQ 4.0 answers a process that binds second before the binding is in force.
func TestProcessesThatStartAtOnceRouteAllEvents(t *testing.T) {
	t.Parallel()
	const brokers, events = 8, 3
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{route("archive", "#"), route("jobs", "alma.#")}}
	var group errgroup.Group
	for i := range brokers {
		rabbit := open(t, cfg)
		group.Go(func() error {
			for j := range events {
				err := broker.ErrRefused
				// RabbitMQ 3.10 refuses an event while another process declares the queue, and a busy machine connects slowly.
				for errors.Is(err, broker.ErrRefused) || errors.Is(err, broker.ErrDown) {
					err = rabbit.Publish(patient(t), anEvent(id(i*events+j)))
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
	rabbit := open(t, cfg)
	for _, route := range []string{"archive", "jobs"} {
		expectAudit(t, rabbit, route, broker.RouteAudit{Accepted: brokers * events, Waiting: brokers * events})
	}
	if n := waiting(t, rabbit, broker.UnroutedQueue); n != 0 {
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
	rabbit := open(t, narrow)
	publish(t, rabbit, anEvent("1"))
	eventually(t, "the event to be unrouted", func() bool { return waiting(t, rabbit, broker.UnroutedQueue) == 1 })
	if n := waiting(t, rabbit, broker.WorkQueue("archive")); n != 0 {
		t.Errorf("%d events still go to the route", n)
	}
}

func TestAReplayedEventThatComesBackIsReplayedOnce(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	publish(t, open(t, rabbitmq.Config{URLs: []string{url}}), anEvent("1"), anEvent("2"))
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "alma.#")}})
	eventually(t, "both connections", func() bool { return waiting(t, rabbit, broker.UnroutedQueue) == 2 && rabbit.Ready() == nil })
	// Without the binding, as for a user who may not bind the queue.
	if err := channel(t, url).QueueUnbind(broker.WorkQueue("archive"), "alma.#", rabbitmq.EventsExchange, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := rabbit.Replay(patient(t), broker.Unrouted, func(broker.UndeliveredEvent) bool { return true }); err != nil {
		t.Error(err)
	}
	eventually(t, "both to be unrouted", func() bool { return waiting(t, rabbit, broker.UnroutedQueue) == 2 })
}

func TestADeletedQueueIsDeclaredAgainAndConsumed(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r, other := route("archive", "#"), route("other", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, other}})
	got := take(t, rabbit, r)
	publish(t, rabbit, anEvent("before"))
	next(t, got)
	if _, err := channel(t, url).QueueDelete(broker.WorkQueue("archive"), false, false, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue and its consumer", func() bool {
		infos, err := rabbit.Queues(patient(t))
		for _, q := range infos {
			if q.Name == broker.WorkQueue("archive") {
				return err == nil && q.Consumers == 1
			}
		}
		return false
	})
	publish(t, rabbit, anEvent("after"))
	if d := next(t, got); d.Event.ID != "after" {
		t.Errorf("got %s", d.Event.ID)
	}
}

func TestConsumeRefusesAnUnknownRoute(t *testing.T) {
	t.Parallel()
	rabbit := open(t, rabbitmq.Config{URLs: []string{"amqp://127.0.0.1:1/"}, Routes: []broker.Route{route("archive", "#")}})
	fn := func(context.Context, event.Delivery) broker.Outcome { return broker.Ack() }
	if err := rabbit.Consume(t.Context(), route("other", "#"), fn); err == nil {
		t.Error("an unknown route was accepted")
	}
	if err := rabbit.Consume(t.Context(), broker.Route{Name: "archive"}, fn); err == nil {
		t.Error("a concurrency of 0 was accepted")
	}
}

func TestCloseEndsWaitingCalls(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{"amqp://127.0.0.1:1/"}, Routes: []broker.Route{r}})
	ended := make(chan error, 2)
	go func() { ended <- rabbit.Publish(t.Context(), anEvent("1")) }()
	go func() {
		ended <- rabbit.Consume(t.Context(), r, func(context.Context, event.Delivery) broker.Outcome { return broker.Ack() })
	}()
	if err := rabbit.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, broker.ErrDown) {
			t.Errorf("%v, want ErrDown", err)
		}
	}
	if err := rabbit.Ready(); !errors.Is(err, broker.ErrDown) {
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
