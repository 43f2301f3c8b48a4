package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestEventsAreStoredWithoutPermissionForTheLedger(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	if _, err := rabbitmq.Apply(patient(t), rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}); err != nil {
		t.Fatal(err)
	}
	rabbit := open(t, rabbitmq.Config{URLs: []string{as(t, url, "", `hookline\\.events`, ".*")}, Routes: []broker.Route{r}})
	for i := range 20 {
		publish(t, rabbit, anEvent(id(i)))
	}
	got := take(t, rabbit, r)
	began := time.Now()
	for range 20 {
		next(t, got)
	}
	eventually(t, "the acknowledgements", func() bool { return waiting(t, rabbit, broker.WorkQueue("archive")) == 0 })
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("20 events took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if a, err := rabbit.Audit(ctx); err == nil {
		t.Errorf("audit without a ledger: %+v", a)
	}
	if err := rabbit.Ready(); err != nil {
		t.Error(err)
	}
}

// as adds a user with these permissions only, and returns its URL.
func as(t *testing.T, url, configure, write, read string) string {
	t.Helper()
	_, rest, _ := strings.Cut(url, "@")
	_, vhost, _ := strings.Cut(rest, "/")
	definitions := fmt.Sprintf(`{"users": [{"name": %[1]q, "password": "secret", "tags": ""}],
		"permissions": [{"user": %[1]q, "vhost": %[1]q, "configure": "^%[2]s$", "write": "^%[3]s$", "read": "^%[4]s$"}]}`, vhost, configure, write, read)
	if err := rabbitnode.Shared(t).Import(t.Context(), []byte(definitions)); err != nil {
		t.Fatal(err)
	}
	return "amqp://" + vhost + ":secret@" + rest
}

func TestADeletedLedgerIsDeclaredAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("1"), anEvent("2"))
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 2, Waiting: 2})
	if _, err := channel(t, url).QueueDelete(rabbitmq.LedgerStream, false, false, false); err != nil {
		t.Fatal(err)
	}
	publish(t, rabbit, anEvent("3"))
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 1, Waiting: 1, Surplus: 2})
	got := take(t, rabbit, r)
	for range 3 {
		next(t, got)
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: 1, Done: 1, Extra: 2})
}

func TestConsumingGoesOnWhileTheLedgerIsBlocked(t *testing.T) {
	t.Parallel()
	const n = 40
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	for i := range n {
		publish(t, rabbit, anEvent(id(i)))
	}
	expectAudit(t, rabbit, r.Name, broker.RouteAudit{Accepted: n, Waiting: n})
	if err := node.SetAlarm(patient(t), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the alarm", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return errors.Is(rabbit.Publish(ctx, anEvent("blocked")), broker.ErrBlocked)
	})
	got := take(t, rabbit, r)
	began := time.Now()
	for range n {
		next(t, got)
	}
	t.Logf("%d events in %v without a ledger", n, time.Since(began))
	eventually(t, "the queue to be empty", func() bool { return waiting(t, rabbit, broker.WorkQueue("archive")) == 0 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if a, err := rabbit.Audit(ctx); err == nil {
		t.Errorf("audit while the ledger is blocked: %+v", a)
	}
	if err := node.SetAlarm(patient(t), false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everything to be in the ledger", func() bool {
		a, err := rabbit.Audit(patient(t))
		return err == nil && a.Unaccounted == 0 && a.Routes[1].Done >= n
	})
}

func TestALedgerThatConfirmsNothingEndsNoSession(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("1"))
	tell := func(order string) {
		t.Helper()
		err := node.Ctl(patient(t), "eval", `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"`+rabbitmq.LedgerStream+`">>)),
			ok = sys:`+order+`(maps:get(leader_pid, amqqueue:get_type_state(Q))).`)
		if err != nil {
			t.Fatal(err)
		}
	}
	tell("suspend")
	handled := make(chan bool, 1)
	stop := consume(t, rabbit, r, func(context.Context, event.Delivery) broker.Outcome {
		handled <- true
		return broker.Ack()
	})
	<-handled
	settled := make(chan bool)
	go func() { // it waits longer for its note than a session lives without confirms
		defer close(settled)
		stop()
	}()
	eventually(t, "the event to be acknowledged without a note", func() bool {
		if err := rabbit.Ready(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-settled:
			return true
		default:
			return false
		}
	})
	publish(t, rabbit, anEvent("2"))
	tell("resume")
}

func TestALongLedgerIsReadFromItsSummary(t *testing.T) {
	t.Parallel()
	const n = 6000
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	rabbit := open(t, cfg)
	fill(t, rabbit, n)
	stop := consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		if d.Event.ID == id(17) {
			return broker.GiveUp("error", errors.New("no"))
		}
		return broker.Ack()
	})
	want := broker.RouteAudit{Accepted: n, Done: n - 1, Dead: 1}
	expectAudit(t, rabbit, r.Name, want)
	stop()
	client := channel(t, url)
	if err := client.Qos(1, 0, false); err != nil {
		t.Fatal(err)
	}
	summaries, err := client.Consume(rabbitmq.SummaryStream, "", false, false, false, false, amqp.Table{"x-stream-offset": "first"})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-summaries:
		if book, err := new(ledger.SummaryReader).Read(d.Body); err != nil || book.Position().Offset < 10 {
			t.Errorf("summary of %d bytes: %v", len(d.Body), err)
		}
	case <-patient(t).Done():
		t.Fatal("the stream has no summary")
	}
	expectAudit(t, open(t, cfg), r.Name, want) // it has read the summary only
}
