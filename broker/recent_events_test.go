package broker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func fingerprint(i int) broker.Fingerprint {
	return broker.FingerprintOf(event.Event{ID: fmt.Sprint(i), Source: "alma", Action: "loan"})
}

func TestRecentEventsAreRememberedForTheWindow(t *testing.T) {
	t.Parallel()
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(minutes int) time.Time { return begin.Add(time.Duration(minutes) * time.Minute) }
	r := broker.NewRecentEvents(time.Hour, 1000)
	for i := range 300 { // an event a minute
		r.Add(fingerprint(i), at(i))
		for age := range i {
			if got, want := r.Has(fingerprint(i-age), at(i)), age < 60; got != want {
				t.Fatalf("minute %d: an event of %d minutes ago is remembered: %t", i, age, got)
			}
		}
		if since := r.Since(); since.Before(at(i-2*60)) || since.After(at(max(0, i-59))) {
			t.Fatalf("minute %d: since %v", i, since)
		}
	}
	if r.Has(fingerprint(1000), at(299)) {
		t.Error("remembers an event that was never added")
	}
}

func TestTheWindowBeginsAnewWithAnEventThatIsStoredAgain(t *testing.T) {
	t.Parallel()
	begin := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecentEvents(time.Hour, 1000)
	r.Add(fingerprint(1), begin)
	r.Add(fingerprint(1), begin.Add(time.Hour))
	if !r.Has(fingerprint(1), begin.Add(2*time.Hour-time.Millisecond)) || r.Has(fingerprint(1), begin.Add(2*time.Hour)) {
		t.Error("the window does not begin with the second event")
	}
}

// Events that were spooled for hours come between live events.
func TestRecentEventsMayComeOutOfOrder(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecentEvents(time.Hour, 1000)
	for i := range 50 {
		r.Add(fingerprint(i), now.Add(time.Duration(i)*time.Second))
		r.Add(fingerprint(1000+i), now.Add(-5*time.Hour+time.Duration(i)*time.Second))
	}
	for i := range 50 {
		if !r.Has(fingerprint(i), now.Add(time.Minute)) {
			t.Fatalf("live event %d is forgotten", i)
		}
		if !r.Has(fingerprint(1000+i), now.Add(-4*time.Hour-time.Minute)) || r.Has(fingerprint(1000+i), now) {
			t.Fatalf("spooled event %d is not compared by its own time", i)
		}
	}
}

func TestAnEventIsNoDuplicateOfAMuchLaterEvent(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecentEvents(time.Hour, 1000)
	r.Add(fingerprint(1), now)
	if r.Has(fingerprint(1), now.Add(-5*time.Hour)) {
		t.Error("an event that was spooled five hours ago is a duplicate of an event of now")
	}
	if !r.Has(fingerprint(1), now.Add(-30*time.Minute)) {
		t.Error("an event that was spooled half an hour ago is no duplicate")
	}
	r.Add(fingerprint(1), now.Add(-5*time.Hour)) // the spooled event, stored after the live one
	if !r.Has(fingerprint(1), now.Add(time.Minute)) {
		t.Error("the event of now is forgotten")
	}
}

func TestRecentEventsAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 100
	now := time.UnixMilli(1_700_000_000_000)
	r := broker.NewRecentEvents(time.Hour, limit)
	for i := range 10 * limit {
		r.Add(fingerprint(i), now)
		known := 0
		for j := range i + 1 {
			if r.Has(fingerprint(j), now) {
				known++
			}
		}
		if known > limit || known < min(i+1, limit/2) {
			t.Fatalf("after %d events, %d are remembered", i+1, known)
		}
	}
}

// TestRecentEventsAreSafeForConcurrentUse needs -race to fail.
func TestRecentEventsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	r := broker.NewRecentEvents(time.Hour, 10_000)
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 200 {
				r.Add(fingerprint(g*1000+i), time.UnixMilli(int64(i)))
				r.Has(fingerprint(i), time.UnixMilli(int64(i)))
				r.Since()
			}
		})
	}
	group.Wait()
	if !r.Has(fingerprint(3199), time.UnixMilli(199)) {
		t.Error("the last event is forgotten")
	}
}

// TestTheTimeOfRecentEventsIsSafeForConcurrentUse needs -race to fail. Each Add begins a generation.
func TestTheTimeOfRecentEventsIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	r := broker.NewRecentEvents(time.Hour, 2)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 1000 {
			r.Add(fingerprint(i), time.UnixMilli(int64(i)))
		}
	})
	group.Go(func() {
		for range 1000 {
			r.Since()
		}
	})
	group.Wait()
	if since := r.Since(); !since.Equal(time.UnixMilli(998)) {
		t.Errorf("since %v", since)
	}
}

// TestAGenerationBeginsAtHalfTheLimit keeps the whole younger half: three more events do not begin another generation.
func TestAGenerationBeginsAtHalfTheLimit(t *testing.T) {
	t.Parallel()
	r := broker.NewRecentEvents(time.Hour, 8)
	if !r.Since().IsZero() {
		t.Errorf("an empty memory begins at %v", r.Since())
	}
	for i := range 9 {
		r.Add(fingerprint(i), time.UnixMilli(int64(i)))
		if want := time.UnixMilli(int64(max(0, i/4*4-4))); !r.Since().Equal(want) {
			t.Errorf("after event %d: since %v, want %v", i, r.Since().UnixMilli(), want.UnixMilli())
		}
	}
}

func BenchmarkRecentEvents(b *testing.B) {
	r := broker.NewRecentEvents(time.Hour, broker.MaxRecentEvents)
	now := time.Now()
	e := event.Event{Source: "alma", Action: "loan.loan_created"}
	b.ReportAllocs()
	for i := range b.N {
		e.ID = fmt.Sprint(i)
		f := broker.FingerprintOf(e)
		r.Has(f, now)
		r.Add(f, now)
	}
}
