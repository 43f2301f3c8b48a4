package brokertest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func carrying() []promise {
	return []promise{
		{"every field is delivered unchanged", deliversEveryField},
		{"an overlong content type harms no other event", survivesOverlongContentType},
	}
}

func deliversEveryField(t *testing.T, open Open) {
	var odd []byte
	for i := range 256 {
		odd = append(odd, byte(i))
	}
	change := func(f func(*event.Event)) event.Event {
		e := newEvent("", "alma", "job_end")
		f(&e)
		return e
	}
	events := []event.Event{
		change(func(e *event.Event) { e.Data = odd }),
		change(func(e *event.Event) { e.Data = nil }),
		change(func(e *event.Event) { e.Data = bytes.Repeat(odd, 1<<12) }), // 1 MiB
		change(func(e *event.Event) { e.Header = nil }),
		change(func(e *event.Event) {
			e.Header = map[string]string{"X-Long": strings.Repeat("long ", 2000), "X-Empty": "", "X-Latin-1": "caf\xe9", "X-Utf-8": "🎣", "X-Github-Event": "push"}
		}),
		change(func(e *event.Event) { e.ContentType = "" }),
		change(func(e *event.Event) { e.ContentType = `Text/Plain; charset="utf-8"; note="é"` }),
		change(func(e *event.Event) { e.Time = e.Time.AddDate(-40, 0, 0) }),
		change(func(e *event.Event) { e.Time = e.Time.AddDate(100, 0, 0).Add(876 * 1_000_000) }),
		change(func(e *event.Event) {
			e.Source, e.Action = strings.Repeat("s", event.MaxSource), strings.Repeat("a", event.MaxAction)
		}),
		change(func(e *event.Event) { e.Action = "a.b.c-d_e.0" }),
	}
	for i := range events {
		events[i].ID = fmt.Sprint(i)
	}
	events[0].ID = "!'\"%;--{}~" + strings.Repeat("i", event.MaxID-10)

	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, events...)
	want := map[string]event.Event{}
	for _, e := range events {
		want[e.ID] = e
	}
	for _, d := range drain(t, b, r, len(events)) {
		expectEvent(t, d.Event, want[d.Event.ID])
		if d.Attempt != 1 {
			t.Errorf("event %s: first attempt has number %d", d.Event.ID, d.Attempt)
		}
		delete(want, d.Event.ID)
	}
	if len(want) > 0 {
		t.Errorf("%d events did not come back", len(want))
	}
}

// The field comes from the sender, and is longer than an AMQP short string. The broker may refuse the event, and must work on.
func survivesOverlongContentType(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	long := newEvent("long", "alma", "job_end")
	long.ContentType = strings.Repeat("x", 300)
	want := []string{"after"}
	if b.Publish(patient(t), long) == nil {
		want = append(want, "long")
	}
	publish(t, b, newEvent("after", "alma", "job_end"))
	expectIDs(t, drain(t, b, r, len(want)), want...)
}
