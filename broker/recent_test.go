package broker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func mark(i int) broker.Mark {
	return broker.MarkOf(event.Event{ID: fmt.Sprint(i), Source: "alma", Action: "loan"})
}

func TestRecentKnowsWhatIsInsideTheWindow(t *testing.T) {
	t.Parallel()
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(minutes int) time.Time { return begin.Add(time.Duration(minutes) * time.Minute) }
	r := broker.NewRecent(time.Hour, 1000)
	for i := range 300 { // a mark a minute
		r.Add(mark(i), at(i))
		for age := range i {
			if got, want := r.Has(mark(i-age), at(i)), age < 60; got != want {
				t.Fatalf("minute %d: what came %d minutes ago is known: %t", i, age, got)
			}
		}
		if since := r.Since(); since.Before(at(i-2*60)) || since.After(at(max(0, i-59))) {
			t.Fatalf("minute %d: since %v", i, since)
		}
	}
	if r.Has(mark(1000), at(299)) {
		t.Error("knows what never was")
	}
}

func TestRecentKnowsARepeatThatIsNewWorkFromThenOn(t *testing.T) {
	t.Parallel()
	begin := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecent(time.Hour, 1000)
	r.Add(mark(1), begin)
	r.Add(mark(1), begin.Add(time.Hour))
	if !r.Has(mark(1), begin.Add(2*time.Hour-time.Millisecond)) || r.Has(mark(1), begin.Add(2*time.Hour)) {
		t.Error("the window does not begin with the second")
	}
}

// What was spooled for hours is handed on between live events.
func TestRecentForgetsNothingForEventsOutOfOrder(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecent(time.Hour, 1000)
	for i := range 50 {
		r.Add(mark(i), now.Add(time.Duration(i)*time.Second))
		r.Add(mark(1000+i), now.Add(-5*time.Hour+time.Duration(i)*time.Second))
	}
	for i := range 50 {
		if !r.Has(mark(i), now.Add(time.Minute)) {
			t.Fatalf("live event %d is forgotten", i)
		}
		if !r.Has(mark(1000+i), now.Add(-4*time.Hour-time.Minute)) || r.Has(mark(1000+i), now) {
			t.Fatalf("spooled event %d is not judged by its own time", i)
		}
	}
}

func TestRecentTakesNoEventForARepeatOfAMuchLaterOne(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecent(time.Hour, 1000)
	r.Add(mark(1), now)
	if r.Has(mark(1), now.Add(-5*time.Hour)) {
		t.Error("what was spooled five hours before is a repeat of what came now")
	}
	if !r.Has(mark(1), now.Add(-30*time.Minute)) {
		t.Error("what was spooled half an hour before is none")
	}
	r.Add(mark(1), now.Add(-5*time.Hour)) // and was handed on after it
	if !r.Has(mark(1), now.Add(time.Minute)) {
		t.Error("the repeat of what came now is not known any more")
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	const limit = 100
	now := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecent(time.Hour, limit)
	for i := range 10 * limit {
		r.Add(mark(i), now)
		known := 0
		for j := range i + 1 {
			if r.Has(mark(j), now) {
				known++
			}
		}
		if known > limit || known < min(i+1, limit/2) {
			t.Fatalf("after %d, %d are known", i+1, known)
		}
	}
}

func BenchmarkRecent(b *testing.B) {
	r := broker.NewRecent(time.Hour, broker.MaxRecent)
	now := time.Now()
	e := event.Event{Source: "alma", Action: "loan.loan_created"}
	b.ReportAllocs()
	for i := range b.N {
		e.ID = fmt.Sprint(i)
		m := broker.MarkOf(e)
		r.Has(m, now)
		r.Add(m, now)
	}
}
