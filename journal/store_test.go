package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// noon is the time of the first event of a test.
func noon() time.Time { return time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC) }

func open(t *testing.T, cfg journal.Config) *journal.Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := journal.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// feed appends batches of one process.
type feed struct {
	t      *testing.T
	store  *journal.Store
	number int64
}

func feedOf(t *testing.T, s *journal.Store) *feed { return &feed{t: t, store: s} }

func (f *feed) batch(stored []journal.Stored, ended []journal.Attempt) {
	f.t.Helper()
	f.number++
	if err := f.store.Append(f.t.Context(), journal.Batch{Process: "one", Number: f.number, Stored: stored, Ended: ended}); err != nil {
		f.t.Fatal(err)
	}
}

// received returns the record of an event of the source "alma", n seconds after noon.
func received(n int, body string) journal.Stored {
	return journal.Stored{
		Event: event.Event{
			ID: fmt.Sprintf("event-%d", n), Source: "alma", Action: "job_end", Time: noon().Add(time.Duration(n) * time.Second),
			ContentType: "application/json", Header: map[string]string{"X-Trace": fmt.Sprintf("trace-%d", n)}, Data: []byte(body),
		},
		Secret: "new", Process: "receiver-1",
	}
}

func ended(s journal.Stored, route string, number int, outcome journal.Outcome, text string) journal.Attempt {
	a := journal.Attempt{
		Key: journal.KeyOf(s.Event), Route: route, Number: number, Start: s.Event.Time.Add(time.Duration(number) * time.Second),
		Duration: 1500 * time.Microsecond, Outcome: outcome, Error: text, Process: "worker-1",
	}
	if text != "" {
		a.Reason = "unreachable"
	}
	if outcome == journal.Retried {
		a.Next = a.Start.Add(time.Minute)
	}
	return a
}

// list returns the IDs of the events of all pages of a filter.
func list(t *testing.T, s *journal.Store, f journal.Filter) []string {
	t.Helper()
	ids := []string{}
	for p := (journal.Page{Limit: 7}); ; {
		events, next, err := s.Events(t.Context(), f, p)
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		for _, e := range events {
			ids = append(ids, e.Key.ID)
		}
		if next == "" {
			return ids
		}
		p.Before = next
	}
}

func expectList(t *testing.T, s *journal.Store, f journal.Filter, want ...string) {
	t.Helper()
	if got := list(t, s, f); !slices.Equal(got, want) {
		t.Errorf("%+v: %q, want %q", f, got, want)
	}
}

// seqOf returns the number of the only event of a filter.
func seqOf(t *testing.T, s *journal.Store, f journal.Filter) int64 {
	t.Helper()
	events, _, err := s.Events(t.Context(), f, journal.Page{})
	if err != nil || len(events) != 1 {
		t.Fatalf("%+v: %d events, %v", f, len(events), err)
	}
	return events[0].Seq
}

func TestAnEventHasItsRecordAndEveryAttempt(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	one := received(1, `{"mms":9912345678901234567,"name":"Ende"}`)
	f.batch([]journal.Stored{one}, nil)
	f.batch(nil, []journal.Attempt{ended(one, "mail", 1, journal.Retried, "connection refused"), ended(one, "archive", 1, journal.Done, "")})
	f.batch(nil, []journal.Attempt{ended(one, "mail", 2, journal.Dead, "gone")})
	d, err := s.Event(t.Context(), seqOf(t, s, journal.Filter{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Event(); got.ID != one.Event.ID || string(got.Data) != string(one.Event.Data) || got.Header["X-Trace"] != "trace-1" ||
		!got.Time.Equal(one.Event.Time) || got.ContentType != one.Event.ContentType || got.Key() != one.Event.Key() {
		t.Errorf("the event is %+v", got)
	}
	if d.Secret != "new" || d.Process != "receiver-1" || !d.Known || !d.Kept || d.State != journal.StateDead || d.Size != int64(len(one.Event.Data)) {
		t.Errorf("the summary is %+v", d.Summary)
	}
	want := []journal.Attempt{ended(one, "mail", 2, journal.Dead, "gone"), ended(one, "archive", 1, journal.Done, ""), ended(one, "mail", 1, journal.Retried, "connection refused")}
	if !slices.Equal(d.Ended, want) {
		t.Errorf("the attempts are %+v, want %+v", d.Ended, want)
	}
	if len(d.Routes) != 2 || d.Routes[0].Route != "mail" || d.Routes[0].State != journal.StateDead || d.Routes[0].Attempts != 2 || d.Routes[0].Error != "gone" ||
		d.Routes[1].State != journal.StateDone {
		t.Errorf("the routes are %+v", d.Routes)
	}
	if _, err := s.Event(t.Context(), 77); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
}

func TestAnAttemptMayComeBeforeItsEvent(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	one := received(1, `{"name":"late"}`)
	f.batch(nil, []journal.Attempt{ended(one, "mail", 1, journal.Done, "")})
	seq := seqOf(t, s, journal.Filter{})
	if d, err := s.Event(t.Context(), seq); err != nil || d.Known || d.Kept || d.State != journal.StateDone {
		t.Errorf("before its record: %+v, %v", d.Summary, err)
	}
	f.batch([]journal.Stored{one}, nil)
	if d, err := s.Event(t.Context(), seq); err != nil || !d.Known || string(d.Data) != string(one.Event.Data) || d.State != journal.StateDone || len(d.Ended) != 1 {
		t.Errorf("with its record: %+v, %v", d, err)
	}
	expectList(t, s, journal.Filter{Text: "late"}, "event-1")
}

func TestARepeatedBatchIsIgnored(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	one := received(1, `{}`)
	b := journal.Batch{Process: "one", Number: 1, Stored: []journal.Stored{one}, Ended: []journal.Attempt{ended(one, "mail", 1, journal.Done, "")}}
	for range 2 {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for _, offset := range []int64{0, 0} {
		b.Number++
		b.Stored, b.Ended = []journal.Stored{received(int(b.Number), `{}`)}, nil
		if err := s.AppendAt(t.Context(), offset, b); err != nil {
			t.Fatal(err)
		}
	}
	expectList(t, s, journal.Filter{}, "event-2", "event-1")
	if d, err := s.Event(t.Context(), 1); err != nil || len(d.Ended) != 1 {
		t.Errorf("attempts: %+v, %v", d.Ended, err)
	}
	if offset, ok, err := s.Offset(t.Context()); offset != 0 || !ok || err != nil {
		t.Errorf("offset %d, %v, %v", offset, ok, err)
	}
}

func TestEventsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	for n := range 40 {
		one := received(n, fmt.Sprintf(`{"n":%d,"even":"%t"}`, 5000+n, n%2 == 0))
		if n == 3 {
			one.Event.Source, one.Event.Action = "github", "push"
		}
		if n == 4 {
			one.Unrouted = true
		}
		f.batch([]journal.Stored{one}, nil)
		switch n {
		case 5:
			f.batch(nil, []journal.Attempt{ended(one, "mail", 1, journal.Retried, "no answer within 3s")})
		case 6:
			f.batch(nil, []journal.Attempt{ended(one, "mail", 1, journal.Dead, "no answer within 4s"), ended(one, "other", 1, journal.Done, "")})
		case 7:
			f.batch(nil, []journal.Attempt{ended(one, "mail", 1, journal.Done, "")})
		case 8:
			f.batch(nil, []journal.Attempt{ended(one, "mail", 1, journal.Filtered, "")})
		}
	}
	if all := list(t, s, journal.Filter{}); len(all) != 40 || all[0] != "event-39" || all[39] != "event-0" {
		t.Errorf("all: %q", all)
	}
	expectList(t, s, journal.Filter{Source: "github"}, "event-3")
	expectList(t, s, journal.Filter{Action: "push"}, "event-3")
	expectList(t, s, journal.Filter{Source: "alma", Action: "push"})
	expectList(t, s, journal.Filter{State: journal.StateUnrouted}, "event-4")
	expectList(t, s, journal.Filter{State: journal.StateFailing}, "event-5")
	expectList(t, s, journal.Filter{Route: "mail"}, "event-8", "event-7", "event-6", "event-5")
	expectList(t, s, journal.Filter{Route: "mail", State: journal.StateDone}, "event-7")
	expectList(t, s, journal.Filter{Route: "mail", State: journal.StateDead}, "event-6")
	expectList(t, s, journal.Filter{Route: "other", State: journal.StateDead})
	expectList(t, s, journal.Filter{State: journal.StateDone}, "event-7")
	expectList(t, s, journal.Filter{State: journal.StateFiltered}, "event-8")
	expectList(t, s, journal.Filter{From: noon().Add(10 * time.Second), To: noon().Add(12 * time.Second)}, "event-11", "event-10")
	expectList(t, s, journal.Filter{Text: "5012"}, "event-12")
	expectList(t, s, journal.Filter{Text: "501", To: noon().Add(11 * time.Second)}, "event-10")
	expectList(t, s, journal.Filter{Text: "answer", Route: "mail", State: journal.StateDead}, "event-6")
	expectList(t, s, journal.Filter{Text: "answer", State: journal.StateFailing}, "event-5")
	expectList(t, s, journal.Filter{Text: "true", Source: "github"})
	expectList(t, s, journal.Filter{Text: "false", Source: "github"}, "event-3")
	expectList(t, s, journal.Filter{Source: "unknown"})
	newer, next, err := s.Events(t.Context(), journal.Filter{}, journal.Page{After: "37", Limit: 2})
	if err != nil || len(newer) != 2 || newer[0].Seq != 39 || next != "39" {
		t.Errorf("after 37: %+v, next %q, %v", newer, next, err)
	}
	newer, next, err = s.Events(t.Context(), journal.Filter{}, journal.Page{After: "40", Limit: 2})
	if err != nil || len(newer) != 0 || next != "40" {
		t.Errorf("after 40: %+v, next %q, %v", newer, next, err)
	}
	visited := 0
	if err := s.Each(t.Context(), journal.Filter{Text: "true"}, func(journal.Detail) bool { visited++; return visited < 15 }); err != nil || visited != 15 {
		t.Errorf("visited %d: %v", visited, err)
	}
}

func TestAChangeIsTold(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	changed := s.Changed()
	select {
	case <-changed:
		t.Fatal("changed before a batch")
	default:
	}
	feedOf(t, s).batch([]journal.Stored{received(1, `{}`)}, nil)
	select {
	case <-changed:
	default:
		t.Error("a batch was not told")
	}
}
