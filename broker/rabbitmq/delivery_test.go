package rabbitmq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestOddEventsLeaveTheConnectionOpen(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	e := anEvent("odd")
	e.ContentType = strings.Repeat("c\x00\xff", 200)
	e.Header = map[string]string{strings.Repeat("H", 300): "v", "": "", "X-Big": strings.Repeat("b", 1<<20), "X-\x00": "\xff"}
	for i := range 100 {
		e.Header["X-"+id(i)] = strings.Repeat("v", 2000)
	}
	publish(t, rabbit, e)
	for name, change := range map[string]func(*event.Event){
		"ID":     func(e *event.Event) { e.ID = strings.Repeat("i", 256) },
		"action": func(e *event.Event) { e.Action = strings.Repeat("a", 255) },
		"source": func(e *event.Event) { e.Source = strings.Repeat("s", 300) },
		"body":   func(e *event.Event) { e.Data = make([]byte, 17<<20) },
	} {
		e := anEvent("refused")
		change(&e)
		if err := rabbit.Publish(patient(t), e); !errors.Is(err, broker.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	largest := anEvent("largest")
	largest.Data = make([]byte, 16<<20)
	publish(t, rabbit, largest)
	if d := next(t, take(t, rabbit, r)); d.Event.ID != "odd" || d.Event.ContentType != e.ContentType {
		t.Errorf("got %s, content type %q", d.Event.ID, d.Event.ContentType)
	}
}

func TestAForeignPublisherCanTakePart(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "alma.#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	eventually(t, "the topology", func() bool { return rabbit.Ready() == nil })
	headers := amqp.Table{
		"hookline-attempt": "many", "hookline-due": int64(-5), "http-x-a": []byte("b"), "odd": amqp.Table{"a": []any{nil, 1.5}}, "CC": []any{"alma.copy"},
	}
	err := channel(t, url).Publish(rabbitmq.EventsExchange, "alma.Loan.created", true, false, amqp.Publishing{Body: []byte("body"), Headers: headers})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan event.Delivery, 10)
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		got <- d
		if d.Attempt == 1 {
			return broker.Retry(0, "error", errors.New("once"))
		}
		return broker.Ack()
	})
	first := next(t, got)
	if first.Event.Source != "alma" || first.Event.Action != "loan.created" || string(first.Event.Data) != "body" || first.Event.Header["X-A"] != "b" {
		t.Errorf("got %+v", first)
	}
	if again := next(t, got); again.Attempt != 2 || again.Event.ID != first.Event.ID || again.Event.Key() != first.Event.Key() || !again.Event.Time.Equal(first.Event.Time) {
		t.Errorf("its retry is %+v, of %+v", again, first)
	}
}

func TestAnEventThatKillsWorkersBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("deadly"))
	ch := channel(t, url)
	for range 21 { // x-delivery-limit is 20; a reject counts like the death of a worker
		eventually(t, "the event to come again", func() bool {
			d, ok, err := ch.Get(broker.WorkQueue("archive"), false)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				_ = d.Reject(true)
			}
			return ok
		})
	}
	eventually(t, "the dead letter", func() bool { return waiting(t, rabbit, broker.DeadQueue("archive")) == 1 })
	for range 30 { // browsing has no such limit
		dead, _, err := rabbit.List(patient(t), "archive", broker.Page{Limit: 10})
		if err != nil || len(dead) != 1 {
			t.Fatalf("%d dead letters, %v", len(dead), err)
		}
		if d := dead[0]; d.Reason != broker.ReasonCrashed || d.Event.ID != "deadly" || d.Event.Key() != "alma.job_end" || time.Since(d.Died) > time.Hour {
			t.Errorf("dead letter %+v", d)
		}
	}
	if n, err := rabbit.Replay(patient(t), "archive", func(broker.UndeliveredEvent) bool { return true }); n != 1 || err != nil {
		t.Fatalf("replayed %d, %v", n, err)
	}
	if d := next(t, take(t, rabbit, r)); d.Attempt != 1 || d.Event.ID != "deadly" || string(d.Event.Data) != `{"id":"deadly"}` {
		t.Errorf("after the replay: %+v", d)
	}
}

func TestReplayEndsWhenEventsDieAgain(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	consume(t, rabbit, r, func(context.Context, event.Delivery) broker.Outcome {
		return broker.GiveUp("permanent", errors.New("always"))
	})
	const n = 20
	for i := range n {
		publish(t, rabbit, anEvent(id(i)))
	}
	eventually(t, "all to be dead", func() bool { return waiting(t, rabbit, broker.DeadQueue("archive")) == n })
	replayed, err := rabbit.Replay(patient(t), "archive", func(broker.UndeliveredEvent) bool { return true })
	if replayed != n || err != nil {
		t.Errorf("replayed %d, %v", replayed, err)
	}
	eventually(t, "all to be dead again", func() bool { return waiting(t, rabbit, broker.DeadQueue("archive")) == n })
}

func TestARetryIsNeverEarly(t *testing.T) {
	t.Parallel()
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{r}})
	delays := map[string]time.Duration{"a": 0, "b": 200 * time.Millisecond, "c": time.Second, "d": 1300 * time.Millisecond, "e": 2700 * time.Millisecond}
	type arrival struct {
		event.Delivery
		late time.Duration
	}
	first := make(chan arrival, 10)
	due := make(chan map[string]time.Time, 1)
	due <- map[string]time.Time{}
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		times := <-due
		defer func() { due <- times }()
		if d.Attempt == 1 {
			times[d.Event.ID] = time.Now().Add(delays[d.Event.ID])
			return broker.Retry(delays[d.Event.ID], "error", errors.New("wait"))
		}
		first <- arrival{d, time.Since(times[d.Event.ID])}
		return broker.Ack()
	})
	for name := range delays {
		publish(t, rabbit, anEvent(name))
	}
	for range delays {
		select {
		case a := <-first:
			t.Logf("after %v: %v late", delays[a.Event.ID], a.late)
			if a.late < 0 || a.Attempt != 2 {
				t.Errorf("attempt %d after %v is %v late", a.Attempt, delays[a.Event.ID], a.late)
			}
		case <-patient(t).Done():
			t.Fatal("a retry never came")
		}
	}
}
