package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func route(name string, match ...string) broker.Route {
	return broker.Route{Name: name, Match: match, Concurrency: 4}
}

func anEvent(id string) event.Event {
	return event.Event{
		ID: id, Source: "alma", Action: "job_end", Time: time.UnixMilli(1_700_000_000_123).UTC(),
		ContentType: "application/json", Header: map[string]string{"X-A": "b"}, Data: []byte(`{"id":"` + id + `"}`),
	}
}

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until check returns true. It polls, because RabbitMQ gives no signal.
func eventually(t *testing.T, condition string, check func() bool) {
	t.Helper()
	ctx := patient(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !check() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", condition)
		}
	}
}

// publish stores events. On a busy machine the first session can take longer than the 5 seconds that Publish waits for it.
func publish(t *testing.T, rabbit *rabbitmq.Broker, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		var err error
		eventually(t, "a connection to publish on", func() bool {
			err = rabbit.Publish(patient(t), e)
			return !errors.Is(err, broker.ErrDown)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// consume runs a consumer until the test calls stop, or ends.
func consume(t *testing.T, rabbit *rabbitmq.Broker, r broker.Route, fn broker.Process) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- rabbit.Consume(ctx, r, fn) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Consume: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// take acknowledges every delivery and sends it to the test.
func take(t *testing.T, rabbit *rabbitmq.Broker, r broker.Route) <-chan event.Delivery {
	t.Helper()
	got := make(chan event.Delivery, 10_000)
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		got <- d
		return broker.Ack()
	})
	return got
}

func next(t *testing.T, got <-chan event.Delivery) event.Delivery {
	t.Helper()
	select {
	case d := <-got:
		return d
	case <-patient(t).Done():
		t.Fatal("no delivery came")
		return event.Delivery{}
	}
}

// waiting returns how many events wait in a queue; -1 if the queue does not exist.
func waiting(t *testing.T, rabbit *rabbitmq.Broker, queue string) int {
	t.Helper()
	infos, err := rabbit.Queues(patient(t))
	if err != nil {
		return -1
	}
	for _, q := range infos {
		if q.Name == queue && !q.Missing {
			return q.Waiting
		}
	}
	return -1
}

// channel opens a channel of another client.
func channel(t testing.TB, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// cut cuts the connections of a broker.
func cut(t *testing.T, url string) {
	t.Helper()
	eventually(t, "connections to cut", func() bool {
		n, err := rabbitnode.Shared(t).CloseConnections(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return n >= 2
	})
}

func id(i int) string { return fmt.Sprintf("event-%d", i) }
