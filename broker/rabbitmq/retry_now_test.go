package rabbitmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// waitTomorrow lets n new events wait for their second attempt.
func waitTomorrow(t *testing.T, rabbit *rabbitmq.Broker, r broker.Route, n int) {
	t.Helper()
	for i := range n {
		publish(t, rabbit, anEvent(id(i)))
	}
	stop := consume(t, rabbit, r, func(context.Context, event.Delivery) broker.Outcome {
		return broker.Retry(time.Hour, "error", errors.New("no"))
	})
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: int64(n), Retrying: int64(n)})
	stop()
}

// A connection that ends between the confirm and the ack leaves an event in both queues, and none in neither.
func TestRetryNowLosesNothingWithItsConnection(t *testing.T) {
	t.Parallel()
	const n = 5
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	waitTomorrow(t, rabbit, r, n)
	picked := 0
	given, err := rabbit.RetryNow(patient(t), r.Name, func(broker.StoredDelivery) bool {
		if picked++; picked == 2 {
			cut(t, url)
		}
		return true
	})
	if err == nil || given < 1 {
		t.Fatalf("gave %d over a cut: %v", given, err)
	}
	eventually(t, "a repeat to complete it", func() bool {
		_, err := rabbit.RetryNow(patient(t), r.Name, func(broker.StoredDelivery) bool { return true })
		return err == nil
	})
	got, seen := take(t, rabbit, r), map[string]bool{}
	for len(seen) < n {
		seen[next(t, got).Event.ID] = true
	}
	eventually(t, "the audit to add up", func() bool {
		a, err := rabbit.Audit(patient(t))
		if err != nil || a.Unaccounted > 0 {
			t.Logf("%+v, %v", a, err)
			return false
		}
		return a.Routes[1].Done == n && a.Routes[1].Retrying == 0
	})
}

func TestRetryNowIntoAFullQueueSaysSoAndKeepsTheEvents(t *testing.T) {
	t.Parallel()
	const n = 3
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	waitTomorrow(t, rabbit, r, n)
	publish(t, rabbit, anEvent("filling"))
	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), rabbitnode.VhostOf(url), broker.WorkQueue(r.Name), 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue to be full", func() bool { return rabbit.Publish(patient(t), anEvent("more")) != nil })
	given, err := rabbit.RetryNow(patient(t), r.Name, func(broker.StoredDelivery) bool { return true })
	if given != 0 || err == nil || !strings.Contains(err.Error(), "hookline.work.archive is full: let workers drain it") {
		t.Errorf("gave %d to a full queue: %v", given, err)
	}
	if _, err := rabbit.RetryNow(patient(t), "unknown", func(broker.StoredDelivery) bool { return true }); !errors.Is(err, broker.ErrNoQueue) {
		t.Errorf("an unknown route: %v", err)
	}
	take(t, rabbit, r)
	eventually(t, "the queue to have room", func() bool {
		more, err := rabbit.RetryNow(patient(t), r.Name, func(broker.StoredDelivery) bool { return true })
		given += more
		return err == nil && given == n
	})
}
