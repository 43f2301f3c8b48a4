package rabbitmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// operator attaches to a broker as a command does.
func operator(t *testing.T, url string, routes ...broker.Route) *rabbitmq.Broker {
	t.Helper()
	rabbit, err := rabbitmq.Attach(rabbitmq.Config{URLs: []string{url}, Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rabbit.Close(context.Background()) })
	return rabbit
}

// briefly bounds a Retire of a route that stays.
func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestRetireLosesNoEventOfALeftOverRoute(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	a, b := route("a", "two.#"), route("b", "alma.#")
	old, stop := start(t, url, a, b)
	publish(t, old, anEvent("1"), anEvent("2"), anEvent("3"))
	handled := make(chan bool, 3)
	stopB := consume(t, old, b, func(context.Context, event.Delivery) broker.Outcome {
		handled <- true
		return broker.GiveUp("error", errors.New("no"))
	})
	for range 3 {
		<-handled
	}
	expectAudit(t, old, "b", broker.RouteAudit{Accepted: 3, Dead: 3})
	stopB()
	publish(t, old, anEvent("4"), anEvent("5"))

	updated := operator(t, url, a)
	if _, err := updated.Retire(briefly(t), broker.Retirement{Route: "b"}); !errors.Is(err, broker.ErrRouteInUse) {
		t.Errorf("while a process has the route: %v", err)
	}
	for _, patterns := range [][]string{nil, {"#"}} {
		_, err := updated.Retire(briefly(t), broker.Retirement{Route: "typo", Patterns: patterns})
		if err == nil || !strings.HasSuffix(err.Error(), "no such route is known; the removed routes are: b") {
			t.Errorf("an unknown route: %v", err)
		}
	}
	if _, err := updated.Retire(briefly(t), broker.Retirement{Route: "a"}); !errors.Is(err, broker.ErrRouteInUse) {
		t.Errorf("a route of the configuration: %v", err)
	}
	stop()
	if _, err := updated.Retire(briefly(t), broker.Retirement{Route: "b"}); !errors.Is(err, broker.ErrNotEmpty) {
		t.Errorf("a route with events: %v", err)
	}
	infos, err := updated.LeftOver(patient(t))
	if err != nil || len(infos) != 2 || infos[0].Waiting != 2 || infos[1].Waiting != 3 || !infos[0].LeftOver {
		t.Errorf("left over: %+v, %v", infos, err)
	}
	receiver, _ := start(t, url, a)
	publish(t, receiver, anEvent("6")) // it is unrouted now
	n, err := updated.Retire(patient(t), broker.Retirement{Route: "b", ToUnrouted: true})
	if n != 5 || err != nil {
		t.Fatalf("moved %d, %v", n, err)
	}
	if infos, err := updated.LeftOver(patient(t)); len(infos) > 0 || err != nil {
		t.Errorf("afterwards: %+v, %v", infos, err)
	}
	if n := depth(t, url, broker.UnroutedQueue); n != 6 {
		t.Errorf("%d unrouted events, want 6", n)
	}
	expectAudit(t, receiver, "b", broker.RouteAudit{Accepted: 5, Discarded: 5})
	expectAudit(t, receiver, broker.Unrouted, broker.RouteAudit{Accepted: 6, Waiting: 6})
}

// A queue that is in a left-over route's queue without a note of it was stored by a stale binding.
func TestRetireMovesUnnotedEventsToTheUnrouted(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	_, stop := start(t, url, route("b", "alma.#"))
	eventually(t, "the binding", func() bool { return len(bindings(t, url)) == 1 })
	stop()
	receiver, _ := start(t, url, route("a", "two.#"))
	publish(t, receiver, anEvent("1"), anEvent("2")) // the stale binding takes them, and the receiver notes them as unrouted
	expectAudit(t, receiver, "b", broker.RouteAudit{Surplus: 2, LeftOver: true})
	expectAudit(t, receiver, broker.Unrouted, broker.RouteAudit{Accepted: 2, Unaccounted: 2})
	n, err := operator(t, url, route("a", "two.#")).Retire(patient(t), broker.Retirement{Route: "b", ToUnrouted: true})
	if n != 2 || err != nil {
		t.Fatalf("moved %d, %v", n, err)
	}
	expectAudit(t, receiver, broker.Unrouted, broker.RouteAudit{Accepted: 2, Waiting: 2})
}

func TestRetireWantsThePatternsOfARouteThatNobodyDeclared(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("b", "alma.#")}}
	if _, err := rabbitmq.Apply(patient(t), old); err != nil { // as by a version that noted no bindings
		t.Fatal(err)
	}
	updated := operator(t, url, route("a", "two.#"))
	if _, err := updated.Retire(briefly(t), broker.Retirement{Route: "b"}); err == nil {
		t.Error("retired without a pattern")
	}
	if _, err := updated.Retire(patient(t), broker.Retirement{Route: "b", Patterns: []string{"alma.#"}}); err != nil {
		t.Error(err)
	}
	var e *amqp.Error
	if _, err := channel(t, url).QueueDeclarePassive(broker.WorkQueue("b"), true, false, false, false, nil); !errors.As(err, &e) || e.Code != amqp.NotFound {
		t.Errorf("the queue: %v", err)
	}
}
