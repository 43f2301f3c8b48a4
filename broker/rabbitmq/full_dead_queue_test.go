package rabbitmq_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A policy with max-length on the dead letters stopped their route, and the refused ones were counted as dead.
func TestAFullDeadLetterQueueStopsNoOtherEvents(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	r := route("archive", "#")
	r.Concurrency = 1
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	eventually(t, "the queue to exist", func() bool { return waiting(t, rabbit, broker.DeadQueue(r.Name)) == 0 })
	shared := rabbitnode.Shared(t)
	if err := shared.LimitQueue(t.Context(), vhost, broker.DeadQueue(r.Name), 1); err != nil {
		t.Fatal(err)
	}
	type settled struct {
		id      string
		refused error
	}
	letters, done := make(chan settled, 1000), make(chan event.Delivery, 1000)
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		if d.Event.ID == "good" {
			done <- d
			return broker.Ack()
		}
		o := broker.GiveUp("permanent", errors.New("no such record"))
		if d.GivenUp {
			o = broker.GiveUp("", nil)
		}
		o.Settled = func(refused error) { letters <- settled{d.Event.ID, refused} }
		return o
	})
	var refused settled
	for n := 1; refused.refused == nil; n++ { // a policy comes into force a moment later, and a full queue takes a few more
		publish(t, rabbit, anEvent(id(n)))
		select {
		case refused = <-letters:
		case <-patient(t).Done():
			t.Fatal("no dead letter was settled")
		}
	}
	publish(t, rabbit, anEvent("good"))
	next(t, done)
	if !errors.Is(refused.refused, broker.ErrRefused) {
		t.Errorf("refused: %v", refused.refused)
	}
	eventually(t, "the audit to find the refused dead letter among the retries", func() bool {
		a, err := rabbit.Audit(patient(t))
		return err == nil && a.Unaccounted == 0 && len(a.Routes) == 2 && a.Routes[1].Retrying == 1 && a.Routes[1].Done == 1
	})

	everything := func(broker.UndeliveredEvent) bool { return true }
	if _, err := rabbit.Discard(patient(t), r.Name, everything); err != nil {
		t.Fatal(err)
	}
	for stored := false; !stored; {
		endTheWait(t, url, refused.id)
		for again := (settled{}); again.id != refused.id; {
			select {
			case again = <-letters:
				stored = again.refused == nil // RabbitMQ can refuse some more on a channel on which it has refused
			case <-patient(t).Done():
				t.Fatal("the refused dead letter was not stored")
			}
		}
	}
	dead, _, err := rabbit.List(patient(t), r.Name, broker.Page{Limit: 10})
	if err != nil || len(dead) != 1 {
		t.Fatalf("the dead letters are %+v, %v", dead, err)
	}
	for _, u := range dead {
		if u.Event.ID != refused.id || (u.Reason != "permanent" || u.LastError != "no such record" || u.Attempts != 1 || u.Died.IsZero()) {
			t.Errorf("the stored dead letter is %+v", u)
		}
	}
}

// endTheWait makes an event due that waits in a delay queue.
func endTheWait(t *testing.T, url, eventID string) {
	t.Helper()
	ch := channel(t, url)
	eventually(t, "the event in a delay queue", func() bool {
		for _, step := range rabbitmq.DelaySteps() {
			d, ok, err := ch.Get(rabbitmq.RetryQueue(step), true)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				continue
			}
			headers := maps.Clone(d.Headers)
			delete(headers, "hookline-wait")
			headers["hookline-due"] = int64(1)
			err = ch.Publish(rabbitmq.ReturnExchange, d.RoutingKey, true, false, amqp.Publishing{
				Headers: headers, MessageId: d.MessageId, Type: d.Type, AppId: d.AppId, ContentType: d.ContentType, Timestamp: d.Timestamp, DeliveryMode: amqp.Persistent, Body: d.Body,
			})
			if err != nil {
				t.Fatal(err)
			}
			return d.MessageId == eventID
		}
		return false
	})
}
