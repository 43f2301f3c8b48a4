package rabbitmq_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
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

// eventually waits until what is true; look is asked again and again, since the broker gives no signal.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	ctx := patient(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("in vain waited for: %s", what)
		}
	}
}

func publish(t *testing.T, line *rabbitmq.Broker, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		if err := line.Publish(patient(t), e); err != nil {
			t.Fatal(err)
		}
	}
}

// consume runs a consumer until the test calls stop, or ends.
func consume(t *testing.T, line *rabbitmq.Broker, r broker.Route, fn broker.Process) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- line.Consume(ctx, r, fn) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Consume: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// take acknowledges everything and hands it to the test.
func take(t *testing.T, line *rabbitmq.Broker, r broker.Route) <-chan event.Delivery {
	t.Helper()
	got := make(chan event.Delivery, 10_000)
	consume(t, line, r, func(_ context.Context, d event.Delivery) broker.Outcome {
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

// waiting is how many events wait in a queue; -1 if it does not exist.
func waiting(t *testing.T, line *rabbitmq.Broker, queue string) int {
	t.Helper()
	infos, err := line.Queues(patient(t))
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

// channel is a client beside the line.
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

func id(i int) string { return fmt.Sprintf("event-%d", i) }
