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

// What is acknowledged together must not take along what is still worked on.
func TestOnlyWhatIsDoneIsAcknowledged(t *testing.T) {
	t.Parallel()
	const events, every = 1000, 100 // one of a hundred is held
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	r.Concurrency = 16
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	fill(t, line, events)
	held, again, release := make(chan string, events), make(chan event.Delivery, events), make(chan struct{})
	var first, retried atomic.Int64
	consume(t, line, r, func(_ context.Context, d event.Delivery) broker.Outcome {
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
	eventually(t, "all but what is held to be done", func() bool {
		return first.Load() == events && retried.Load() == events/every && waiting(t, line, broker.WorkQueue(r.Name)) == 0
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

func TestQuickWorkHasMoreInHandUntilItIsSlow(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	fill(t, line, quickEvents+slowEvents)
	ch := channel(t, url)
	beside, err := ch.QueueDeclare("", false, true, true, false, nil) // gets a copy of what goes back
	if err != nil {
		t.Fatal(err)
	}
	if err = ch.QueueBind(beside.Name, broker.WorkQueue(r.Name), rabbitmq.ReturnExchange, false, nil); err != nil {
		t.Fatal(err)
	}
	newSlowing().consume(t, line, r)
	eventually(t, "what was in hand beyond twice the concurrency to go back", func() bool {
		back, err := ch.QueueDeclarePassive(beside.Name, false, true, true, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		return back.Messages > 6*r.Concurrency
	})
	eventually(t, "the rest to go back", func() bool {
		return slowEvents-waiting(t, line, broker.WorkQueue(r.Name)) <= 3*r.Concurrency
	})
}

func TestWhatMayHaveEndedAProcessMeetsFewOthers(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	line := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	work := newSlowing()
	work.consume(t, line, r)
	publish(t, line, anEvent("cut-off"))
	next(t, work.got)
	cut(t, url)
	for d := next(t, work.got); !d.Redelivered; d = next(t, work.got) {
	}
	inHand := work.slow(t, line, r)
	if n := inHand(); n > 3*r.Concurrency {
		t.Errorf("%d are in hand", n)
	}
}

// cut cuts the connections of a line.
func cut(t *testing.T, url string) {
	t.Helper()
	eventually(t, "connections to cut", func() bool {
		n, err := rabbitnode.Shared(t).CloseConnections(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return n >= 2
	})
}

// slowing is work that is quick for a thousand events and then does not return before the test ends. The event "cut-off"
// is not done before it comes again.
type slowing struct {
	got     chan event.Delivery // "cut-off"
	taken   chan struct{}       // a place, for long
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

func (s *slowing) consume(t *testing.T, line *rabbitmq.Broker, r broker.Route) {
	consume(t, line, r, func(_ context.Context, d event.Delivery) broker.Outcome {
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

// slow returns when all places are taken for long.
func (s *slowing) slow(t *testing.T, line *rabbitmq.Broker, r broker.Route) (inHand func() int) {
	t.Helper()
	fill(t, line, quickEvents+slowEvents)
	for range r.Concurrency {
		select {
		case <-s.taken:
		case <-patient(t).Done():
			t.Fatal("not all places were taken")
		}
	}
	return func() int { return slowEvents - waiting(t, line, broker.WorkQueue(r.Name)) }
}
