package rabbitmq_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAFullQueueRefusesARedeliveryAndOthersHaveIt(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	good, full := route("good", "#"), route("full", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{good, full}})
	publish(t, rabbit, anEvent("filling"))
	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), rabbitnode.VhostOf(url), broker.WorkQueue("full"), 1); err != nil {
		t.Fatal(err)
	}
	e, given := anEvent("again"), 0
	var partly *broker.PartlyError
	eventually(t, "the queue to be full", func() bool {
		given++
		return errors.As(rabbit.Redeliver(patient(t), e, []string{"full", "good"}), &partly)
	})
	if !errors.Is(partly, broker.ErrRefused) || !slices.Equal(partly.Routes, []string{"full"}) || !strings.Contains(partly.Error(), "hookline.work.full is full: let workers drain it") {
		t.Errorf("the full queue: %v", partly)
	}
	expectAudit(t, rabbit, "good", broker.RouteAudit{Accepted: int64(1 + given), Waiting: int64(1 + given)})
	take(t, rabbit, full)
	eventually(t, "the queue to have room", func() bool { return rabbit.Redeliver(patient(t), e, partly.Routes) == nil })
	expectAudit(t, rabbit, "full", broker.RouteAudit{Accepted: int64(1 + given), Done: int64(1 + given)})
	expectAudit(t, rabbit, "good", broker.RouteAudit{Accepted: int64(1 + given), Waiting: int64(1 + given)})
}

// An alarm must not leave an event on its way, which would be stored when the alarm ends.
func TestARedeliveryDuringAnAlarmStoresNothing(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("1"))
	if err := node.SetAlarm(patient(t), true); err != nil {
		t.Fatal(err)
	}
	desk := operator(t, node.URL(), r)
	if err := desk.Redeliver(patient(t), anEvent("1"), []string{r.Name}); err == nil {
		t.Error("given to the route during an alarm")
	}
	if err := node.SetAlarm(patient(t), false); err != nil {
		t.Fatal(err)
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 1, Waiting: 1})
	eventually(t, "the end of the alarm", func() bool { return desk.Redeliver(patient(t), anEvent("1"), []string{r.Name}) == nil })
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 2, Waiting: 2})
}
