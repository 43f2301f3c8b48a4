package ledger_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker/ledger"
)

// TestAnEventOfFullQueuesIsCountedOnceForItsSource has an event that three notes store, one for each queue.
func TestAnEventOfFullQueuesIsCountedOnceForItsSource(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	partly := func(counted bool, routes ...string) {
		w.fold(ledger.Notes{Notes: []ledger.Note{{Kind: ledger.Partly, Source: "alma", Routes: routes, IDs: []string{"1"}, Counted: counted}}})
	}
	partly(false, "one", "two")
	partly(true, "three")
	partly(false, "two") // again
	w.note(ledger.Done, "1", "one")
	got := w.book.Totals(now)
	for route, want := range map[string]ledger.RouteTotals{"one": {Accepted: 1, Done: 1}, "two": {Accepted: 1, Open: 1}, "three": {Accepted: 1, Open: 1}} {
		if total := got.Routes[route]; total.Accepted != want.Accepted || total.Open != want.Open || total.Done != want.Done || total.Uncounted != 0 {
			t.Errorf("%s: %+v, want %+v", route, total, want)
		}
	}
	if source := got.Sources["alma"]; source.Accepted != 1 || source.Unrouted != 0 {
		t.Errorf("%+v", source)
	}
}

func TestABookNamesItsRoutes(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	w.note(ledger.Accepted, "1", "noted")
	w.note(ledger.Accepted, "2")
	w.fold(ledger.Notes{Bindings: ledger.Bindings{"bound": {"a.#"}, "noted": {"b.#"}}})
	got := w.book.Routes()
	slices.Sort(got)
	if !slices.Equal(got, []string{"", "bound", "noted"}) {
		t.Errorf("%q", got)
	}
}

func TestABookKnowsTheMessagesThatItFolded(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	if w.book.Has("p", 1) || w.book.Position() != (ledger.Position{Offset: -1}) {
		t.Errorf("an empty book is at %+v", w.book.Position())
	}
	w.fold(ledger.Notes{Notes: []ledger.Note{{Kind: ledger.Accepted, Source: "alma", Routes: []string{"one"}, IDs: []string{"1", "2"}}}})
	w.fold(ledger.Notes{})
	for number, want := range map[int64]bool{1: true, 2: true, 3: false} {
		if w.book.Has("p", number) != want || w.book.Has("other", number) {
			t.Errorf("message %d is folded: %t, want %t", number, !want, want)
		}
	}
	if got := w.book.Position(); got != (ledger.Position{Offset: 1, Process: "p", Number: 2}) {
		t.Errorf("at %+v", got)
	}
	w.number, *w.offset = 1, 1 // the second message again
	w.fold(ledger.Notes{Notes: []ledger.Note{{Kind: ledger.Accepted, Source: "alma", Routes: []string{"one"}, IDs: []string{"3"}}}})
	if w.book.Open() != 2 || w.book.Folded() != 4 {
		t.Errorf("%d open, %d folded: want 2, and two messages with two IDs", w.book.Open(), w.book.Folded())
	}
	if w.book.Summarized(); w.book.Folded() != 0 {
		t.Errorf("%d folded since a summary", w.book.Folded())
	}
}

func TestABookThatBeginsAnewKeepsCountsAndSince(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	for _, id := range []string{"1", "2", "3"} {
		w.note(ledger.Accepted, id, "one")
		w.note(ledger.Accepted, id, "whole")
	}
	if w.book.BeganAnew() {
		t.Error("a new book began anew")
	}
	w.book.Counted(map[string]int64{"one": 2})
	next := w.book.Anew(ledger.ReasonTrimmed)
	if !next.BeganAnew() || next.Lost() != 2 || next.Open() != 0 || !slices.Equal(slices.Collect(maps.Keys(next.Totals(now).Routes)), []string{"one"}) {
		t.Errorf("began anew %t, %d lost, %d open: %+v", next.BeganAnew(), next.Lost(), next.Open(), next.Totals(now).Routes)
	}
	w.book = next
	w.book.Counted(map[string]int64{"one": 2})
	w.note(ledger.Accepted, "4", "one")
	w.fold(ledger.Notes{Acknowledged: true})
	if got := w.book.Totals(now); got.Anew != "" || got.Routes["one"].Accepted != 3 || got.Routes["one"].Lost != 2 || !got.Since.Equal(now) {
		t.Errorf("%+v", got)
	}
	begun := ledger.NewBook()
	begun.BeginAnew(ledger.ReasonReplaced)
	if got := begun.Totals(now).Anew; got != ledger.ReasonReplaced {
		t.Errorf("began because %q", got)
	}
}

func TestNewerMessagesAreCountedByTheirOffset(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	for _, offset := range []int64{0, 0, 4, 3, 5} {
		book.Skip(offset)
	}
	if got := book.Totals(now).Newer; got != 3 {
		t.Errorf("%d newer messages, not 3: one at 0, 4 and 5", got)
	}
}

func TestPartsOfASummaryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{``: 1, `{}`: 1, `{"parts":-1}`: 1, `{"parts":2}`: 2, `{"parts":"2"}`: 1} {
		if got := ledger.Parts([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// TestEarlyNotesOfSeveralKindsAreInTheSummary has notes that came before the acceptance of their events.
func TestEarlyNotesOfSeveralKindsAreInTheSummary(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	for _, route := range []string{"one", "two"} {
		w.note(ledger.Accepted, "known", route)
	}
	w.note(ledger.Retrying, "1", "one")
	w.note(ledger.Retrying, "2", "one")
	w.note(ledger.Done, "3", "one")
	w.note(ledger.Discarded, "4", "one")
	w.note(ledger.Done, "5", "two")
	w.note(ledger.Done, "6", "new") // a route that no receiver knows
	w.note(ledger.Done, "7", "two")
	w.book = again(t, w.book)
	before := w.book.Totals(now).Routes
	if before["one"].Extra != 2 || before["two"].Extra != 2 || before["new"].Uncounted != 1 {
		t.Errorf("%+v", before)
	}
	for _, id := range []string{"1", "2", "3", "4"} {
		w.note(ledger.Accepted, id, "one")
	}
	for _, id := range []string{"5", "7"} {
		w.note(ledger.Accepted, id, "two")
	}
	w.book.Mark()
	got := w.book.Totals(now).Routes
	if want := (ledger.RouteTotals{Accepted: 5, Done: 1, Discarded: 1, Open: 3, OpenAtMark: 3, Retrying: 2}); got["one"] != want {
		t.Errorf("one: %+v, want %+v", got["one"], want)
	}
	if want := (ledger.RouteTotals{Accepted: 3, Done: 2, Open: 1, OpenAtMark: 1}); got["two"] != want {
		t.Errorf("two: %+v, want %+v", got["two"], want)
	}
}

// TestAProcessWritesBeforeItsDeliveriesAreForgotten holds the interval against the time for which deliveries count.
func TestAProcessWritesBeforeItsDeliveriesAreForgotten(t *testing.T) {
	t.Parallel()
	for age, held := range map[time.Duration]int64{3 * ledger.HoldInterval: 1, 30 * time.Second: 1, 30*time.Second + 1: 0} {
		w := newWriter(ledger.NewBook())
		w.fold(ledger.Notes{Held: map[string]int64{"one": 1}})
		w.book.Mark()
		if got := w.book.Totals(now.Add(age)).Routes["one"].Held; got != held {
			t.Errorf("%v after its message %d deliveries count, want %d", age, got, held)
		}
	}
	if ledger.HoldInterval < time.Second {
		t.Errorf("a process writes each %v", ledger.HoldInterval)
	}
}
