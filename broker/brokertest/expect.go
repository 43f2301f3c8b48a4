package brokertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// patience bounds each wait of a test.
	patience = 2 * time.Minute
	// pollPause is the time between two polls of a condition without a signal.
	pollPause = 20 * time.Millisecond
)

// patient returns a context for one wait of a test.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// route returns a route with a concurrency of 1.
func route(name string, match ...string) broker.Route {
	return broker.Route{Name: name, Match: match, Concurrency: 1}
}

// newEvent returns an event with a value in every field.
func newEvent(id, source, action string) event.Event {
	return event.Event{
		ID: id, Source: source, Action: action, Time: time.UnixMilli(1_700_000_000_123).UTC(),
		ContentType: "application/json", Header: map[string]string{"X-Request-Id": "r-" + id}, Data: []byte(`{"id":"` + id + `"}`),
	}
}

// publish stores the events, one after the other.
func publish(t *testing.T, b Broker, events ...event.Event) {
	t.Helper()
	ctx := patient(t)
	for _, e := range events {
		err := broker.ErrDown
		for errors.Is(err, broker.ErrDown) && ctx.Err() == nil { // a busy machine connects slowly
			err = b.Publish(ctx, e)
		}
		if err != nil {
			t.Fatalf("publish %s: %v", e.ID, err)
		}
	}
}

// series returns n events of alma.job_end with IDs "0", "1", ...
func series(n int) []event.Event {
	var events []event.Event
	for i := range n {
		events = append(events, newEvent(fmt.Sprint(i), "alma", "job_end"))
	}
	return events
}

// named returns the IDs of the events.
func named(events []event.Event) []string {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// expectEvent shows that got is want in every field.
func expectEvent(t *testing.T, got, want event.Event) {
	t.Helper()
	if got.ID != want.ID || got.Source != want.Source || got.Action != want.Action || got.ContentType != want.ContentType {
		t.Errorf("event %q %q %q %q, want %q %q %q %q", got.ID, got.Source, got.Action, got.ContentType, want.ID, want.Source, want.Action, want.ContentType)
	}
	if !got.Time.Equal(want.Time) || got.Time.Location() != time.UTC {
		t.Errorf("event %s: time %v, want %v", want.ID, got.Time, want.Time)
	}
	if !maps.Equal(got.Header, want.Header) {
		t.Errorf("event %s: header %.200q, want %.200q", want.ID, got.Header, want.Header)
	}
	if !bytes.Equal(got.Data, want.Data) {
		t.Errorf("event %s: %d bytes of data %.100q, want %d bytes %.100q", want.ID, len(got.Data), got.Data, len(want.Data), want.Data)
	}
}

// expectIDs shows that the deliveries are those of the IDs, each once, in any order.
func expectIDs(t *testing.T, got []event.Delivery, want ...string) {
	t.Helper()
	var ids []string
	for _, d := range got {
		ids = append(ids, d.Event.ID)
	}
	slices.Sort(ids)
	if slices.Sort(want); !slices.Equal(ids, want) {
		t.Errorf("events %q, want %q", ids, want)
	}
}

// expectWaiting waits until the queues of a role and, unless it is "", of a route hold n events.
func expectWaiting(t *testing.T, b Broker, role broker.QueueRole, route string, n int) {
	t.Helper()
	ctx := patient(t)
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		all, err := b.Queues(ctx)
		waiting := 0
		for _, q := range all {
			if q.Role == role && (route == "" || q.Route == route) {
				waiting += q.Waiting
			}
		}
		if err == nil && waiting == n {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s %s: %d events wait, want %d; queues %+v, %v", role, route, waiting, n, all, err)
		}
	}
}
