package rabbitmq_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAnAuditFindsPurgedEvents(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r, other := route("archive", "#"), route("other", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, other}})
	for i := range 20 {
		publish(t, rabbit, anEvent(id(i)))
	}
	got := take(t, rabbit, r)
	for range 20 {
		next(t, got)
	}
	expectAudit(t, rabbit, "other", broker.RouteAudit{Accepted: 20, Waiting: 20})
	expectAudit(t, rabbit, "archive", broker.RouteAudit{Accepted: 20, Done: 20})
	if n, err := channel(t, url).QueuePurge(broker.WorkQueue("other"), false); n != 20 || err != nil {
		t.Fatal(n, err)
	}
	publish(t, rabbit, anEvent("after"))
	next(t, got)
	expectAudit(t, rabbit, "other", broker.RouteAudit{Accepted: 21, Waiting: 1, Unaccounted: 20})
	reader := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, other}})
	expectAudit(t, reader, "other", broker.RouteAudit{Accepted: 21, Waiting: 1, Unaccounted: 20})
}

// An audit looks for missing events until its time is up. Then it has no time to write the summary of a long ledger.
func TestAnAuditReportsMissingEventsWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	const events = 10_100
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	fill(t, rabbit, events)
	if n, err := channel(t, url).QueuePurge(broker.WorkQueue(r.Name), false); n != events || err != nil {
		t.Fatal(n, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second) // less than auditTime
	defer cancel()
	if a, err := rabbit.Audit(ctx); err != nil || a.Unaccounted != events {
		t.Errorf("%d unaccounted, %v", a.Unaccounted, err)
	}
}

func TestAnAuditFindsEverythingWhileEventsMove(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	var n atomic.Int64
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	sent := make(chan error, 2)
	for range 2 {
		rabbit := open(t, cfg)
		go func() {
			for ctx.Err() == nil {
				if err := rabbit.Publish(t.Context(), anEvent(id(int(n.Add(1))))); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			<-time.After(time.Duration(len(d.Event.ID)%3) * time.Millisecond)
			if d.Attempt == 1 && d.Event.ID[len(d.Event.ID)-1] == '7' {
				return broker.Retry(0, "error", errors.New("once"))
			}
			return broker.Ack()
		})
	}
	rabbit := open(t, cfg)
	for range 5 {
		began := time.Now()
		a, err := rabbit.Audit(patient(t))
		t.Logf("%v %+v %v", time.Since(began), a, err)
		if err != nil || a.Unaccounted != 0 {
			t.Errorf("audit: %+v, %v", a, err)
		}
	}
	enough()
	for range 2 {
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: n.Load(), Done: n.Load()})
}

func TestAnAuditFindsMissingEventsOfEveryQueue(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	r.Concurrency = 1
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r, route("pushes", "github.#")}})
	verdicts := []broker.Outcome{
		broker.Ack(), broker.GiveUp("error", errors.New("no")), broker.GiveUp("error", errors.New("no")),
		broker.Retry(time.Hour, "error", errors.New("later")), broker.Retry(time.Hour, "error", errors.New("later")),
	}
	for i := range verdicts {
		publish(t, rabbit, anEvent(id(i)))
	}
	answers := make(chan broker.Outcome, len(verdicts))
	for _, v := range verdicts {
		answers <- v
	}
	handled := make(chan bool, len(verdicts))
	stop := consume(t, rabbit, r, func(context.Context, event.Delivery) broker.Outcome {
		handled <- true
		return <-answers
	})
	for range verdicts {
		<-handled
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 5, Done: 1, Dead: 2, Retrying: 2})
	stop()
	client := channel(t, url)
	remove := func(queue string) {
		t.Helper()
		if _, ok, err := client.Get(queue, true); err != nil || !ok {
			t.Fatalf("nothing in %s: %v", queue, err)
		}
	}
	remove(broker.DeadQueue(r.Name))
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 5, Done: 1, Dead: 1, Retrying: 2, Unaccounted: 1})
	remove(rabbitmq.RetryQueue(time.Hour))
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 5, Done: 1, Dead: 1, Retrying: 1, Unaccounted: 2})
	if _, err := client.QueuePurge(broker.DeadQueue(r.Name), false); err != nil {
		t.Fatal(err)
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 5, Done: 1, Retrying: 1, Unaccounted: 3})
}

func TestAnAuditFindsEverythingWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	const n = 500
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	got := take(t, rabbit, r)
	for i := range n {
		publish(t, rabbit, anEvent(id(i)))
		if i%200 == 100 {
			cut(t, url)
		}
	}
	for seen := map[string]bool{}; len(seen) < n; {
		seen[next(t, got).Event.ID] = true
	}
	for deadline := time.Now().Add(patience); ; {
		a, err := rabbit.Audit(patient(t))
		if err == nil && a.Unaccounted == 0 && a.Routes[1].Done == n && a.Routes[1].Accepted == n {
			t.Logf("%d were handled twice", a.Routes[1].Extra)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("audit %+v, %v", a, err)
		}
	}
}

// The comparison before the loss may have missed events that moved.
func TestAnAuditThatLosesItsConnectionFailsAndKeepsItsBook(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	warnings, seen := observer.New(zap.WarnLevel)
	rabbit, err := rabbitmq.Open(rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}, prometheus.NewRegistry(), zap.New(warnings))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rabbit.Close(patient(t)); err != nil {
			t.Error(err)
		}
	}()
	publish(t, rabbit, anEvent("1"))
	if n, err := channel(t, url).QueuePurge(broker.WorkQueue(r.Name), false); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	ended := make(chan error, 1)
	go func() { // it compares for 15 s
		a, err := rabbit.Audit(patient(t))
		if err == nil {
			t.Errorf("audit: %+v", a)
		}
		ended <- err
	}()
	shared := rabbitnode.Shared(t)
	eventually(t, "the audit's connection to be cut", func() bool {
		if _, err := shared.CloseConnections(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		return len(ended) > 0
	})
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 1, Unaccounted: 1})
	if replaced := seen.FilterMessageSnippet("was replaced").All(); len(replaced) > 0 {
		t.Errorf("%v", replaced)
	}
}

// expectAudit waits until an audit of a route returns want.
func expectAudit(t *testing.T, rabbit *rabbitmq.Broker, route string, want broker.RouteAudit) {
	t.Helper()
	want.Route = route
	var last broker.Audit
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(patient(t), 2*time.Second)
		a, err := rabbit.Audit(ctx)
		cancel()
		if err != nil {
			t.Logf("audit: %v", err)
			continue
		}
		last = a
		for _, r := range a.Routes {
			if r == want {
				return
			}
		}
	}
	t.Fatalf("audit %+v, want %+v", last, want)
}
