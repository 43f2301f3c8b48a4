package rabbitmq_test

import (
	"context"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// An audit would report events that are discarded without a note as lost.
func TestDiscardRemovesNothingWhileTheLedgerCannotBeWritten(t *testing.T) {
	t.Parallel()
	const n = 20
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}}
	rabbit := open(t, cfg)
	for i := range n {
		publish(t, rabbit, anEvent(id(i)))
	}
	stop := consume(t, rabbit, r, func(context.Context, event.Delivery) broker.Outcome { return broker.GiveUp("error", nil) })
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: n, Dead: n})
	stop()
	if err := node.SetAlarm(patient(t), true); err != nil {
		t.Fatal(err)
	}
	desk, err := rabbitmq.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := func(broker.UndeliveredEvent) bool { return true }
	if discarded, err := desk.Discard(patient(t), r.Name, all); discarded != 0 || err == nil {
		t.Errorf("discarded %d: %v", discarded, err)
	}
	if err := node.SetAlarm(patient(t), false); err != nil {
		t.Fatal(err)
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: n, Dead: n})
	if discarded, err := desk.Discard(patient(t), r.Name, all); discarded != n || err != nil {
		t.Errorf("then discarded %d: %v", discarded, err)
	}
	if err := desk.Close(patient(t)); err != nil {
		t.Error(err)
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: n, Discarded: n})
}
