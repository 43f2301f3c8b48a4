package rabbitmq_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A message that stays is stored again behind the others, which RabbitMQ refuses in a full queue.
func TestEraseGoesOnAfterAFullQueue(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	full, good := route("a-full", "#"), route("good", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{full, good}})
	for _, name := range []string{"another", "person"} {
		publish(t, rabbit, anEvent(name))
	}
	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), vhost, broker.WorkQueue("a-full"), 1); err != nil {
		t.Fatal(err)
	}
	filling := anEvent("filling")
	eventually(t, "the queue to be full", func() bool { return rabbit.Publish(patient(t), filling) != nil })

	n, err := rabbit.Erase(patient(t), func(d broker.StoredDelivery) bool { return d.Event.ID == "person" })
	if n != 1 || err == nil || !strings.Contains(err.Error(), "hookline.work.a-full: the queue is full, so it was not searched to its end: let workers take events, or raise the policy's max-length") {
		t.Errorf("erased %d, %v", n, err)
	}
	if got := waiting(t, rabbit, broker.WorkQueue("a-full")); got < 2 {
		t.Errorf("%d events are left in the full queue", got)
	}

	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), vhost, broker.WorkQueue("a-full"), 100); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue to have room", func() bool { return rabbit.Publish(patient(t), filling) == nil })
	if n, err := rabbit.Erase(patient(t), func(d broker.StoredDelivery) bool { return d.Event.ID == "person" }); n != 1 || err != nil {
		t.Errorf("erased %d with room, %v", n, err)
	}
}
