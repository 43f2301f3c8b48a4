package rabbitmq_test

import (
	"context"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A stop says nothing about an event: however many there are, what they interrupt or find fetched does not die of them.
func TestManyStopsMakeNoDeadLetters(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	r.Concurrency = 1
	line := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	publish(t, line, anEvent("1"), anEvent("2"), anEvent("3"))
	for stops := range 25 {
		if n := waiting(t, line, broker.DeadQueue("archive")); n != 0 {
			t.Fatalf("%d dead letters after %d stops", n, stops)
		}
		ctx, stop := context.WithCancel(patient(t))
		err := line.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
			stop()
			return broker.Requeue()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
