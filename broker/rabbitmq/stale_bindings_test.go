package rabbitmq_test

import (
	"context"
	"path"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// start opens a broker; stop closes it cleanly, as a process that stops does.
func start(t *testing.T, url string, routes ...broker.Route) (rabbit *rabbitmq.Broker, stop func()) {
	t.Helper()
	rabbit, err := rabbitmq.Open(rabbitmq.Config{URLs: []string{url}, Routes: routes}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = rabbit.Close(context.Background())
		}
	}
	t.Cleanup(stop)
	return rabbit, stop
}

// depth returns how many events wait in a queue, whether a configuration has it or not.
func depth(t *testing.T, url, queue string) int {
	t.Helper()
	q, err := channel(t, url).QueueDeclarePassive(queue, true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Messages
}

// unbound waits until Unbind has removed bindings, and returns them.
func unbound(t *testing.T, rabbit *rabbitmq.Broker) (removed []broker.Binding) {
	t.Helper()
	eventually(t, "bindings to be removed", func() bool {
		var err error
		if removed, _, err = rabbit.Unbind(patient(t)); err != nil {
			t.Log(err)
		}
		return len(removed) > 0
	})
	return removed
}

func TestARenamedRouteGetsNoMoreEvents(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old, stop := start(t, url, route("a", "alma.job_end"), route("b", "alma.job_end", "two.#"))
	for i := range 5 {
		publish(t, old, anEvent(id(i)))
	}
	stop()
	renamed, _ := start(t, url, route("a", "alma.job_end"), route("bb", "alma.job_end"))
	want := []broker.Binding{{Route: "b", Pattern: "alma.job_end"}, {Route: "b", Pattern: "two.#"}}
	if removed := unbound(t, renamed); !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}
	for i := range 4 {
		publish(t, renamed, anEvent(id(5+i)))
	}
	lost := anEvent("lost")
	lost.Source = "two"
	publish(t, renamed, lost) // only b took it
	expectAudit(t, renamed, "b", broker.RouteAudit{Accepted: 5, Waiting: 5, LeftOver: true})
	expectAudit(t, renamed, "bb", broker.RouteAudit{Accepted: 4, Waiting: 4})
	expectAudit(t, renamed, broker.Unrouted, broker.RouteAudit{Accepted: 1, Waiting: 1})
	if n := depth(t, url, broker.WorkQueue("b")); n != 5 {
		t.Errorf("%d events in the queue of the old name, want 5", n)
	}
	if removed, remaining, err := renamed.Unbind(patient(t)); len(removed)+len(remaining) > 0 || err != nil {
		t.Errorf("again: %v, %v, %v", removed, remaining, err)
	}
}

func TestAPatternThatWasRemovedIsUnbound(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	_, stop := start(t, url, route("a", "alma.#", "two.#"))
	eventually(t, "the first configuration", func() bool {
		return slices.ContainsFunc(bindings(t, url), func(key string) bool { return key == "two.#" })
	})
	stop()
	narrow, _ := start(t, url, route("a", "alma.#"))
	if removed := unbound(t, narrow); !slices.Equal(removed, []broker.Binding{{Route: "a", Pattern: "two.#"}}) {
		t.Errorf("removed %v", removed)
	}
	if left := bindings(t, url); !slices.Equal(left, []string{"alma.#"}) {
		t.Errorf("bound by %v", left)
	}
}

// In a rolling update processes of two configurations run at once.
func TestNoProcessUnbindsARouteOfAnotherThatRuns(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old, stopOld := start(t, url, route("a", "alma.#"), route("b", "alma.#"))
	updated, _ := start(t, url, route("a", "alma.#"), route("c", "alma.#"))
	publish(t, old, anEvent("1"))
	publish(t, updated, anEvent("2"))
	for _, rabbit := range []*rabbitmq.Broker{old, updated, old} {
		if removed, remaining, err := rabbit.Unbind(patient(t)); len(removed)+len(remaining) > 0 || err != nil {
			t.Errorf("%v, %v, %v", removed, remaining, err)
		}
	}
	stopOld()
	if removed := unbound(t, updated); !slices.Equal(removed, []broker.Binding{{Route: "b", Pattern: "alma.#"}}) {
		t.Errorf("removed %v", removed)
	}
	// Back again, after a rollback.
	again, _ := start(t, url, route("a", "alma.#"), route("b", "alma.#"))
	publish(t, again, anEvent("3"))
	if removed, remaining, err := updated.Unbind(patient(t)); len(removed)+len(remaining) > 0 || err != nil {
		t.Errorf("after a rollback: %v, %v, %v", removed, remaining, err)
	}
	eventually(t, "the event of the route that is back", func() bool { return waiting(t, again, broker.WorkQueue("b")) == 3 })
}

func TestARouteThatSomebodyConsumesStaysBound(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old, stop := start(t, url, route("a", "alma.#"), route("b", "alma.#"))
	publish(t, old, anEvent("1"))
	if _, err := channel(t, url).Consume(broker.WorkQueue("b"), "", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	updated, _ := start(t, url, route("a", "alma.#"))
	eventually(t, "the binding to remain", func() bool {
		removed, remaining, err := updated.Unbind(patient(t))
		if len(removed) > 0 {
			t.Fatalf("removed %v", removed)
		}
		return err == nil && slices.Equal(remaining, []broker.Binding{{Route: "b", Pattern: "alma.#"}})
	})
}

func TestAUserWhoMayNotUnbindIsToldSo(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old, stop := start(t, url, route("a", "alma.#"), route("b", "alma.#"))
	publish(t, old, anEvent("1"))
	stop()
	worker := as(t, url, ``, `hookline\\.(retry\\..+|return|dead|ledger)`, `hookline\\.(work\\..+|ledger(\\..+)?)`)
	limited, _ := start(t, worker, route("a", "alma.#"))
	eventually(t, "the binding to remain", func() bool {
		_, remaining, err := limited.Unbind(patient(t))
		return err == nil && slices.Equal(remaining, []broker.Binding{{Route: "b", Pattern: "alma.#"}})
	})
}

// bindings returns the patterns by which queues are bound to the events.
func bindings(t *testing.T, url string) (keys []string) {
	t.Helper()
	bound, err := rabbitnode.Shared(t).Bindings(t.Context(), path.Base(url), rabbitmq.EventsExchange)
	if err != nil {
		t.Log(err) // it is not declared yet
	}
	for _, b := range bound {
		keys = append(keys, b.Key)
	}
	slices.Sort(keys)
	return keys
}

func TestApplyRemovesStaleBindingsAndKeepsThoseOfItsConfiguration(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	b, c := route("b", "alma.#"), route("c", "alma.#")
	old, stop := start(t, url, b, c)
	publish(t, old, anEvent("1"))
	stop()
	states := func(run func(context.Context, rabbitmq.Config) ([]rabbitmq.Change, error)) map[rabbitmq.State]int {
		t.Helper()
		changes, err := run(patient(t), rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{c}})
		if err != nil {
			t.Fatal(err)
		}
		count := map[rabbitmq.State]int{}
		for _, change := range changes {
			count[change.State]++
		}
		return count
	}
	if n := states(rabbitmq.Plan); n[rabbitmq.StateLeft] != 3 { // two queues and a binding
		t.Errorf("plan: %v", n)
	}
	if n := states(rabbitmq.Apply); n[rabbitmq.StateUnbound] != 1 || n[rabbitmq.StateLeft] != 2 {
		t.Errorf("apply: %v", n)
	}
	if left := bindings(t, url); len(left) != 1 {
		t.Errorf("bound by %v", left)
	}
}
