package brokertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func stopping() []promise {
	return []promise{
		{"an idle Consume returns nil", stopsIdle},
		{"a context that has ended before starts no call", startsNothing},
		{"Consume waits for running calls, and their context is not cancelled", waitsForRunningCalls},
		{"fetched events that were not started return to the queue", requeuesFetched},
		{"deliveries are settled after the stop", settlesAfterTheStop},
		{"events are handled once over many stops", stopsManyTimes},
	}
}

func stopsIdle(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	c := start(t, b, r)
	publish(t, b, newEvent("1", "alma", "job_end"))
	c.next(t).answer(broker.Ack())
	c.stop(t)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}

func startsNothing(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.Consume(ctx, r, func(context.Context, event.Delivery) broker.Outcome {
		t.Error("an event was handled")
		return broker.Ack()
	})
	if err != nil {
		t.Errorf("Consume: %v, want nil", err)
	}
	expectIDs(t, drain(t, b, r, 1), "1")
}

func waitsForRunningCalls(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	ctx, cancel := context.WithCancel(t.Context())
	running, stopped, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	ended, over := make(chan error, 1), t.Context().Done()
	go func() {
		ended <- b.Consume(ctx, r, func(ctx context.Context, _ event.Delivery) broker.Outcome {
			close(running)
			<-stopped
			if ctx.Err() != nil {
				t.Errorf("the call's context ended with the stop: %v", ctx.Err())
			}
			select {
			case <-finish:
			case <-over:
			}
			return broker.Ack()
		})
	}()
	wait := patient(t)
	select {
	case <-running:
	case <-wait.Done():
		t.Fatal("no delivery came")
	}
	cancel()
	close(stopped)
	// The queue is inspected while the call runs: the event must not have returned to it.
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
	select {
	case err := <-ended:
		t.Errorf("Consume returned (%v) while a call runs", err)
	default:
	}
	close(finish)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Consume: %v, want nil", err)
		}
	case <-wait.Done():
		t.Fatal("Consume does not return")
	}
	expectIDs(t, drain(t, b, r, 0))
}

func requeuesFetched(t *testing.T, open Open) {
	const n = 10
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 2}
	b := open(t, []broker.Route{r})
	publish(t, b, series(n)...)
	c := start(t, b, r)
	first, second := c.next(t), c.next(t)
	c.cancel()
	first.answer(broker.Ack())
	second.answer(broker.Ack())
	select {
	case h := <-c.deliveries:
		t.Errorf("event %s was started after the stop", h.Event.ID)
		h.answer(broker.Requeue())
	case err := <-c.ended:
		if err != nil {
			t.Errorf("Consume: %v, want nil", err)
		}
	case <-patient(t).Done():
		t.Fatal("Consume does not return")
	}
	got := append(drain(t, b, r, n-2), first.Delivery, second.Delivery)
	expectIDs(t, got, named(series(n))...)
}

func settlesAfterTheStop(t *testing.T, open Open) {
	const n = 4
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: n}
	b := open(t, []broker.Route{r})
	publish(t, b, series(n)...)
	c := start(t, b, r)
	running := map[string]held{}
	for range n {
		h := c.next(t)
		running[h.Event.ID] = h
	}
	c.cancel()
	running["0"].answer(broker.Ack())
	running["1"].answer(broker.Retry(time.Second, "error", errors.New("late")))
	running["2"].answer(broker.GiveUp("permanent", errors.New("too late")))
	running["3"].answer(broker.Requeue())
	c.wait(t)

	attempts := map[string]int{}
	for _, d := range drain(t, b, r, 2) { // which fails for redelivered events
		attempts[d.Event.ID] = d.Attempt
	}
	if len(attempts) != 2 || attempts["1"] != 2 || attempts["3"] != 1 {
		t.Errorf("attempts by event %v, want 1:2 3:1", attempts)
	}
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	if dead := ids(list(t, b, r.Name, 10)); len(dead) != 1 || dead[0] != "2" {
		t.Errorf("dead letters %q, want 2", dead)
	}
}

func stopsManyTimes(t *testing.T, open Open) {
	const stops, each = 10, 5
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 2}
	b := open(t, []broker.Route{r})
	all := series(stops * each)
	publish(t, b, all...)
	var got []event.Delivery
	for range stops {
		c := start(t, b, r)
		for range each {
			h := c.next(t)
			h.answer(broker.Ack())
			got = append(got, h.Delivery)
		}
		c.stop(t)
	}
	expectIDs(t, got, named(all)...)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}
