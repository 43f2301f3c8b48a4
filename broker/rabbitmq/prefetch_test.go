package rabbitmq_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// Deliveries that are acknowledged together must not take along one whose handler still runs.
func TestOnlyDoneDeliveriesAreAcknowledged(t *testing.T) {
	t.Parallel()
	const events, every = 1000, 100 // one of a hundred is held
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	r.Concurrency = 16
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	fill(t, rabbit, events)
	held, again, release := make(chan string, events), make(chan event.Delivery, events), make(chan struct{})
	var first, retried atomic.Int64
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		if d.Redelivered {
			again <- d
			return broker.Ack()
		}
		if d.Attempt > 1 {
			retried.Add(1)
			return broker.Ack()
		}
		switch first.Add(1) % every {
		case 0:
			held <- d.Event.ID
			<-release
		case every / 2:
			return broker.Retry(0, "error", errors.New("once"))
		}
		return broker.Ack()
	})
	let := sync.OnceFunc(func() { close(release) })
	t.Cleanup(let)
	eventually(t, "all other events to be done", func() bool {
		return first.Load() == events && retried.Load() == events/every && waiting(t, rabbit, broker.WorkQueue(r.Name)) == 0
	})
	cut(t, url)
	let()
	missing := map[string]bool{}
	for range events / every {
		missing[<-held] = true
	}
	for len(missing) > 0 {
		delete(missing, next(t, again).Event.ID)
	}
}

func TestAQuickHandlerHasALargerPrefetchUntilItIsSlow(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	fill(t, rabbit, quickEvents+slowEvents)
	ch := channel(t, url)
	beside, err := ch.QueueDeclare("", false, true, true, false, nil) // gets a copy of each message that goes back
	if err != nil {
		t.Fatal(err)
	}
	if err = ch.QueueBind(beside.Name, broker.WorkQueue(r.Name), rabbitmq.ReturnExchange, false, nil); err != nil {
		t.Fatal(err)
	}
	newSlowing().consume(t, rabbit, r)
	eventually(t, "fetched events beyond twice the concurrency to go back", func() bool {
		back, err := ch.QueueDeclarePassive(beside.Name, false, true, true, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		return back.Messages > 6*r.Concurrency
	})
	eventually(t, "the rest to go back", func() bool {
		return slowEvents-waiting(t, rabbit, broker.WorkQueue(r.Name)) <= 3*r.Concurrency
	})
}

func TestACrashedDeliveryKeepsThePrefetchSmall(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	work := newSlowing()
	work.consume(t, rabbit, r)
	publish(t, rabbit, anEvent("cut-off"))
	next(t, work.got)
	cut(t, url)
	for d := next(t, work.got); !d.Redelivered; d = next(t, work.got) {
	}
	fetched := work.slow(t, rabbit, r)
	if n := fetched(); n > 3*r.Concurrency {
		t.Errorf("%d events are fetched", n)
	}
}

// slowing is a handler that is quick for a thousand events and then runs until the test ends. For the event "cut-off" it runs
// until the event comes again.
type slowing struct {
	got     chan event.Delivery // "cut-off"
	taken   chan struct{}       // receives when a slow call starts
	again   chan struct{}
	release chan struct{}
	quick   atomic.Int64
}

const quickEvents, slowEvents = 1000, 200

func newSlowing() *slowing {
	return &slowing{
		got: make(chan event.Delivery, 10), taken: make(chan struct{}, slowEvents),
		again: make(chan struct{}), release: make(chan struct{}),
	}
}

func (s *slowing) consume(t *testing.T, rabbit *rabbitmq.Broker, r broker.Route) {
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		switch {
		case d.Event.ID == "cut-off" && d.Redelivered:
			close(s.again)
			s.got <- d
		case d.Event.ID == "cut-off":
			s.got <- d
			<-s.again
		case s.quick.Add(1) > quickEvents:
			s.taken <- struct{}{}
			<-s.release
		}
		return broker.Ack()
	})
	t.Cleanup(func() { close(s.release) })
}

// slow returns when all slots of the route have slow calls.
func (s *slowing) slow(t *testing.T, rabbit *rabbitmq.Broker, r broker.Route) (fetched func() int) {
	t.Helper()
	fill(t, rabbit, quickEvents+slowEvents)
	for range r.Concurrency {
		select {
		case <-s.taken:
		case <-patient(t).Done():
			t.Fatal("not all slots have slow calls")
		}
	}
	return func() int { return slowEvents - waiting(t, rabbit, broker.WorkQueue(r.Name)) }
}

// An event must not wait behind a long one while another worker is idle.
func TestAnIdleWorkerTakesTheEventBehindALongOne(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("long", "#")
	r.Concurrency = 1
	got, release := make(chan event.Delivery, 2), make(chan struct{})
	long := func(_ context.Context, d event.Delivery) broker.Outcome {
		got <- d
		<-release
		return broker.Ack()
	}
	first := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	consume(t, first, r, long)
	publish(t, first, anEvent("1"))
	next(t, got) // the first worker is busy
	publish(t, first, anEvent("2"))
	second := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	consume(t, second, r, long)
	t.Cleanup(func() { close(release) })
	if d := next(t, got); d.Event.ID != "2" || d.Redelivered {
		t.Errorf("%+v", d)
	}
}

func TestLargeEventsKeepThePrefetchSmall(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	work := newSlowing()
	large := anEvent("large")
	large.Data = make([]byte, 256<<10)
	publish(t, rabbit, large)
	work.consume(t, rabbit, r)
	eventually(t, "the large event to be done", func() bool { return work.quick.Load() == 1 })
	fetched := work.slow(t, rabbit, r)
	if n := fetched(); n > 3*r.Concurrency {
		t.Errorf("%d events are fetched", n)
	}
}
