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

// Nobody publishes to the exchange by which events come back from the delay queues, nor to that of the unrouted, so nobody
// is told that they are gone.
func TestADeletedExchangeIsMadeAgainThoughNobodyPublishesToIt(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}})
	eventually(t, "both connections", func() bool {
		return waiting(t, line, broker.WorkQueue("archive")) == 0 && line.Ready() == nil
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

func TestTheQueueOfTheUnroutedIsMadeAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "github.#")}})
	eventually(t, "both connections", func() bool { return waiting(t, line, broker.UnroutedQueue) == 0 && line.Ready() == nil })
	if _, err := channel(t, url).QueueDelete(broker.UnroutedQueue, false, false, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an unrouted event is stored", func() bool { return line.Publish(patient(t), anEvent("1")) == nil })
}

// Bindings come back one after the other. What is published meanwhile is stored, at the routes that are bound or as unrouted.
func TestAnAuditFindsWhatMissedARouteWhileAnExchangeWasMadeAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("first", "#"), route("second", "alma.#")}}
	line := open(t, cfg)
	eventually(t, "both connections", func() bool { return waiting(t, line, broker.WorkQueue("first")) == 0 && line.Ready() == nil })
	client := channel(t, url)
	remake(t, client, rabbitmq.EventsExchange)
	publish(t, line, anEvent("reaches none"))
	if err := client.QueueBind(broker.WorkQueue("first"), "#", rabbitmq.EventsExchange, false, nil); err != nil {
		t.Fatal(err)
	}
	publish(t, line, anEvent("reaches one"))
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	publish(t, line, anEvent("reaches both"))
	// The unrouted one is missing at both, and found once.
	expectAudit(t, line, "first", broker.RouteAudit{Accepted: 3, Waiting: 3})
	expectAudit(t, line, "second", broker.RouteAudit{Accepted: 3, Waiting: 1, Unaccounted: 2})
	if n, err := line.ReplayUnrouted(patient(t), func(event.Event) bool { return true }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	expectAudit(t, line, "first", broker.RouteAudit{Accepted: 3, Waiting: 3})
	expectAudit(t, line, "second", broker.RouteAudit{Accepted: 3, Waiting: 2, Unaccounted: 1})
}

func TestWhatComesBackOrIsGivenUpWhileAnExchangeWasMadeAgainIsUnrouted(t *testing.T) {
	t.Parallel()
	for exchange, outcome := range map[string]broker.Outcome{
		rabbitmq.ReturnExchange: broker.Retry(time.Second, "error", errors.New("later")),
		rabbitmq.DeadExchange:   broker.GiveUp("error", errors.New("no")),
	} {
		t.Run(exchange, func(t *testing.T) {
			t.Parallel()
			url := rabbitnode.URL(t)
			r := route("archive", "#")
			line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
			publish(t, line, anEvent("1"))
			eventually(t, "both connections", func() bool { return waiting(t, line, broker.WorkQueue(r.Name)) == 1 && line.Ready() == nil })
			remake(t, channel(t, url), exchange)
			consume(t, line, r, func(context.Context, event.Delivery) broker.Outcome { return outcome })
			eventually(t, "the event to be unrouted", func() bool { return waiting(t, line, broker.UnroutedQueue) == 1 })
			expectAudit(t, line, r.Name, broker.RouteAudit{Accepted: 1, Waiting: 1})
		})
	}
}

// remake deletes an exchange and makes it anew, without its bindings.
func remake(t *testing.T, client *amqp.Channel, name string) {
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
