package rabbitmq_test

import (
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// RabbitMQ forgets to tell the consumers of a quorum queue that is deleted and made again at once: they stay, and it takes
// what it sends to them for repeats of what it sent before.
func TestAQueueThatWasMadeAgainBehindOurBackIsConsumed(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	line := open(t, cfg)
	got := take(t, line, r)
	for i := range 20 {
		publish(t, line, anEvent(id(i)))
		next(t, got)
	}
	ch := channel(t, url)
	if _, err := ch.QueueDelete(broker.WorkQueue(r.Name), false, false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		publish(t, line, anEvent(id(100+i)))
	}
	for range 4 { // RabbitMQ 4.0 may confirm one for the old queue, and lose it
		next(t, got)
	}
}
