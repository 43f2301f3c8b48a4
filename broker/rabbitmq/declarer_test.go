package rabbitmq_test

import (
	"context"
	"errors"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// Only RabbitMQ publishes to the return exchange and to the unrouted exchange. So no publish fails when they are deleted.
func TestADeletedExchangeWithoutPublishesIsDeclaredAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}})
	eventually(t, "both connections", func() bool {
		return waiting(t, rabbit, broker.WorkQueue("archive")) == 0 && rabbit.Ready() == nil
	})
	exchanges := rabbitmq.NewTopology(nil).Exchanges
	for _, e := range exchanges {
		if err := channel(t, url).ExchangeDelete(e.Name, false, false); err != nil {
			t.Fatal(err)
		}
	}
	client := channel(t, url)
	for _, e := range exchanges {
		eventually(t, e.Name, func() bool {
			if client.IsClosed() {
				client = channel(t, url)
			}
			return client.ExchangeDeclarePassive(e.Name, e.Kind, true, false, false, false, nil) == nil
		})
	}
}

func TestADeletedUnroutedQueueIsDeclaredAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "github.#")}})
	eventually(t, "both connections", func() bool { return waiting(t, rabbit, broker.UnroutedQueue) == 0 && rabbit.Ready() == nil })
	if _, err := channel(t, url).QueueDelete(broker.UnroutedQueue, false, false, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an unrouted event to be stored", func() bool { return rabbit.Publish(patient(t), anEvent("1")) == nil })
}

// Bindings are declared one after the other. Events that are published meanwhile go to the bound routes, or to the unrouted queue.
func TestAnAuditFindsEventsThatMissedARouteOfARedeclaredExchange(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("first", "#"), route("second", "alma.#")}}
	rabbit := open(t, cfg)
	eventually(t, "both connections", func() bool { return waiting(t, rabbit, broker.WorkQueue("first")) == 0 && rabbit.Ready() == nil })
	client := channel(t, url)
	redeclare(t, client, rabbitmq.EventsExchange)
	publish(t, rabbit, anEvent("reaches none"))
	if err := client.QueueBind(broker.WorkQueue("first"), "#", rabbitmq.EventsExchange, false, nil); err != nil {
		t.Fatal(err)
	}
	publish(t, rabbit, anEvent("reaches one"))
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	publish(t, rabbit, anEvent("reaches both"))
	// The unrouted event is missing at both routes, and found once.
	expectAudit(t, rabbit, "first", broker.RouteAudit{Accepted: 3, Waiting: 3, InUnrouted: 1})
	expectAudit(t, rabbit, "second", broker.RouteAudit{Accepted: 3, Waiting: 1, Unaccounted: 2})
	if n, err := rabbit.Replay(patient(t), broker.Unrouted, func(broker.UndeliveredEvent) bool { return true }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	expectAudit(t, rabbit, "first", broker.RouteAudit{Accepted: 3, Waiting: 3})
	expectAudit(t, rabbit, "second", broker.RouteAudit{Accepted: 3, Waiting: 2, Unaccounted: 1})
}

func TestRetriesAndDeadLettersOfARedeclaredExchangeAreUnrouted(t *testing.T) {
	t.Parallel()
	for exchange, outcome := range map[string]broker.Outcome{
		rabbitmq.ReturnExchange: broker.Retry(time.Second, "error", errors.New("later")),
		rabbitmq.DeadExchange:   broker.GiveUp("error", errors.New("no")),
	} {
		t.Run(exchange, func(t *testing.T) {
			t.Parallel()
			url := rabbitnode.URL(t)
			r := route("archive", "#")
			rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
			publish(t, rabbit, anEvent("1"))
			eventually(t, "both connections", func() bool { return waiting(t, rabbit, broker.WorkQueue(r.Name)) == 1 && rabbit.Ready() == nil })
			redeclare(t, channel(t, url), exchange)
			consume(t, rabbit, r, func(context.Context, event.Delivery) broker.Outcome { return outcome })
			eventually(t, "the event to be unrouted", func() bool { return waiting(t, rabbit, broker.UnroutedQueue) == 1 })
			expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 1, Waiting: 1, InUnrouted: 1})
		})
	}
}

// redeclare deletes an exchange and declares it again, without its bindings.
func redeclare(t *testing.T, client *amqp.Channel, name string) {
	t.Helper()
	for _, e := range rabbitmq.NewTopology(nil).Exchanges {
		if e.Name != name {
			continue
		}
		if err := client.ExchangeDelete(name, false, false); err != nil {
			t.Fatal(err)
		}
		if err := client.ExchangeDeclare(name, e.Kind, true, false, false, false, amqp.Table(e.Args)); err != nil {
			t.Fatal(err)
		}
	}
}
