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

func TestEventsAreStoredWhereTheLedgerMayNotBeWritten(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	if _, err := rabbitmq.Apply(patient(t), rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}); err != nil {
		t.Fatal(err)
	}
	line := open(t, rabbitmq.Config{URLs: []string{as(t, url, "", `hookline\\.events`, ".*")}, Routes: []broker.Route{r}})
	for i := range 20 {
		publish(t, line, anEvent(id(i)))
	}
	got := take(t, line, r)
	began := time.Now()
	for range 20 {
		next(t, got)
	}
	eventually(t, "the acknowledgements", func() bool { return waiting(t, line, broker.WorkQueue("archive")) == 0 })
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("20 events took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if a, err := line.Audit(ctx); err == nil {
		t.Errorf("audit without a ledger: %+v", a)
	}
	if err := line.Ready(); err != nil {
		t.Error(err)
	}
}

// as makes a user with these permissions only, and returns its URL.
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

func TestADeletedLedgerBeginsAnew(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	publish(t, line, anEvent("1"), anEvent("2"))
	expectAudit(t, line, r.Name, broker.RouteAudit{Accepted: 2, Waiting: 2})
	if _, err := channel(t, url).QueueDelete(rabbitmq.LedgerStream, false, false, false); err != nil {
		t.Fatal(err)
	}
	publish(t, line, anEvent("3"))
	expectAudit(t, line, r.Name, broker.RouteAudit{Accepted: 1, Waiting: 1})
	got := take(t, line, r)
	for range 3 {
		next(t, got)
	}
	expectAudit(t, line, r.Name, broker.RouteAudit{Accepted: 1, Done: 1, Extra: 2})
}

func TestWorkGoesOnWhileTheLedgerIsBlocked(t *testing.T) {
	t.Parallel()
	const n = 40
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	for i := range n {
		publish(t, line, anEvent(id(i)))
	}
	expectAudit(t, line, r.Name, broker.RouteAudit{Accepted: n, Waiting: n})
	if err := node.SetAlarm(patient(t), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the alarm", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return errors.Is(line.Publish(ctx, anEvent("blocked")), broker.ErrBlocked)
	})
	got := take(t, line, r)
	began := time.Now()
	for range n {
		next(t, got)
	}
	t.Logf("%d events in %v without a ledger", n, time.Since(began))
	eventually(t, "the queue to be empty", func() bool { return waiting(t, line, broker.WorkQueue("archive")) == 0 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if a, err := line.Audit(ctx); err == nil {
		t.Errorf("audit while the ledger is blocked: %+v", a)
	}
	if err := node.SetAlarm(patient(t), false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everything to be in the ledger", func() bool {
		a, err := line.Audit(patient(t))
		return err == nil && a.Unaccounted == 0 && a.Routes[1].Done >= n
	})
}

func TestALedgerThatConfirmsNothingEndsNoSession(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, line, anEvent("1"))
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
	stop := consume(t, line, r, func(context.Context, event.Delivery) broker.Outcome {
		handled <- true
		return broker.Ack()
	})
	<-handled
	settled := make(chan bool)
	go func() { // its note is waited for longer than an event may be without a confirm
		defer close(settled)
		stop()
	}()
	eventually(t, "the event to be acknowledged without a note", func() bool {
		if err := line.Ready(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-settled:
			return true
		default:
			return false
		}
	})
	publish(t, line, anEvent("2"))
	tell("resume")
}

func TestALongLedgerIsReadFromItsSummary(t *testing.T) {
	t.Parallel()
	const n = 6000
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	line := open(t, cfg)
	fill(t, line, n)
	stop := consume(t, line, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		if d.Event.ID == id(17) {
			return broker.GiveUp("error", errors.New("no"))
		}
		return broker.Ack()
	})
	want := broker.RouteAudit{Accepted: n, Done: n - 1, Dead: 1}
	expectAudit(t, line, r.Name, want)
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
		if book, err := ledger.ReadSummary(d.Body); err != nil || book.Position().Offset < 10 {
			t.Errorf("summary of %d bytes: %v", len(d.Body), err)
		}
	case <-patient(t).Done():
		t.Fatal("there is no summary")
	}
	expectAudit(t, open(t, cfg), r.Name, want) // of one who has read nothing else
}

func TestOneProcessKeepsTheLedger(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}}
	turn := func(line *rabbitmq.Broker) bool {
		t.Helper()
		mine, err := line.Leads(patient(t), broker.LeadAudit)
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	first, second := open(t, cfg), open(t, cfg)
	for range 3 {
		if !turn(first) || turn(second) {
			t.Fatal("not the first one alone")
		}
	}
	if err := first.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second's turn", func() bool { return turn(second) })
	if mine, err := second.Leads(patient(t), broker.LeadSchedule); mine || err != nil { // not before the one before has noticed that it has lost it
		t.Errorf("it is its turn at emitting at once: %v, %v", mine, err)
	}
}

func TestWhoseTurnItIsIsAskedAnewAfterItsQueueWasMadeAnew(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}}
	first, second := open(t, cfg), open(t, cfg)
	turns := func() (n int) {
		for _, line := range []*rabbitmq.Broker{first, second} {
			if mine, err := line.Leads(patient(t), broker.LeadAudit); err != nil {
				t.Fatal(err)
			} else if mine {
				n++
			}
		}
		return n
	}
	if n := turns(); n != 1 {
		t.Fatalf("%d have the turn", n)
	}
	ch := channel(t, url)
	if _, err := ch.QueueDelete(rabbitmq.AuditLeaderQueue, false, false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one turn", func() bool { return turns() == 1 })
	for range 3 {
		if n := turns(); n != 1 {
			t.Fatalf("%d have the turn", n)
		}
	}
}
