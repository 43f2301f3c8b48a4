package ledger_test

import (
	"fmt"
	"testing"

	"github.com/hookline/hookline/broker/ledger"
)

func TestACountedLossStaysWhenCountingBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*writer){
		"lost notes":      func(w *writer) { w.fold(ledger.Notes{Lost: 1}) },
		"missing notes":   func(w *writer) { w.number += 3; w.fold(ledger.Notes{}) },
		"another stream":  func(w *writer) { w.book = w.book.Anew(ledger.ReasonReplaced) },
		"twice":           func(w *writer) { w.fold(ledger.Notes{Lost: 1}); w.fold(ledger.Notes{Lost: 1}) },
		"after a summary": func(w *writer) { w.book = again(t, w.book); w.fold(ledger.Notes{Lost: 1}) },
	} {
		w := newWriter(ledger.NewBook())
		for i := range 5 {
			w.note(ledger.Accepted, fmt.Sprint(i), "one")
		}
		w.book.Counted(map[string]int64{"one": 2})
		begin(w)
		for _, b := range []*ledger.Book{w.book, again(t, w.book)} {
			if got := b.Totals(now); got.Routes["one"] != (ledger.RouteTotals{Accepted: 2, Lost: 2}) || got.Anew == "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

func TestABookSaysThatItBeganAnewUntilSomebodyAcknowledgesIt(t *testing.T) {
	t.Parallel()
	anew := func(w *writer) bool {
		if read := again(t, w.book).Totals(now).Anew; read != w.book.Totals(now).Anew {
			t.Errorf("%q after a summary", read)
		}
		return w.book.Totals(now).Anew != ""
	}
	w := newWriter(ledger.NewBook())
	w.note(ledger.Accepted, "1", "one")
	w.note(ledger.Done, "1", "one")
	if anew(w) {
		t.Error("a new ledger does")
	}
	running := &writer{w.book, "running", 16, w.offset} // it wrote 16 messages to the ledger before this one
	running.note(ledger.Accepted, "2", "one")
	if got := w.book.Totals(now).Routes["one"].Open; !anew(w) || got != 1 {
		t.Errorf("a process that wrote before is not noticed, or its event is not open: %d", got)
	}
	w.fold(ledger.Notes{Acknowledged: true})
	other := &writer{w.book, "idle", 3, w.offset}
	other.fold(ledger.Notes{})
	if anew(w) {
		t.Error("it does after somebody has acknowledged it")
	}
	running.number += 2
	running.fold(ledger.Notes{})
	if !anew(w) {
		t.Error("messages that are missing later are not noticed")
	}
}

// An idle process can write again after many others, when the book has forgotten it.
func TestAForgottenProcessDoesNotBeginABookAnew(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	idle := newWriter(book)
	idle.fold(ledger.Notes{})
	for i := range 1100 {
		w := &writer{book, fmt.Sprint(i), 0, idle.offset}
		w.fold(ledger.Notes{})
	}
	idle.fold(ledger.Notes{})
	if got := book.Totals(now).Anew; got != "" {
		t.Error(got)
	}
}

func TestNotesOfANewerHooklineAreCounted(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	w.note("parked", "1", "one")
	w.note("parked", "2", "one")
	w.book.Skip(7)
	w.book.Skip(7) // the next audit begins to read before it
	if got := w.book.Totals(now).Newer; got != 3 {
		t.Errorf("%d", got)
	}
	if text := w.book.Summary(); text != nil {
		t.Errorf("a newer reader would never see the notes behind %s", text)
	}
}

// Workers with a new route can run before receivers that know it.
func TestARouteThatReceiversDoNotKnowYet(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	for i := range 4 { // old receivers only: a quick handler, then a slow one
		w.note(ledger.Accepted, fmt.Sprint(i), "old")
		w.note(ledger.Done, fmt.Sprint(i), "new")
		w.note(ledger.Done, fmt.Sprint(i), "old")
	}
	w.note(ledger.Accepted, "updated", "old", "new")
	w.note(ledger.Done, "updated", "new")
	w.note(ledger.Done, "quick", "new")
	w.note(ledger.Accepted, "quick", "old") // of a receiver that is still old
	w.note(ledger.Done, "updated", "new")   // twice
	for _, b := range []*ledger.Book{w.book, again(t, w.book)} {
		if got := b.Totals(now).Routes["new"]; got != (ledger.RouteTotals{Accepted: 1, Done: 1, Uncounted: 5, Extra: 1}) {
			t.Errorf("%+v", got)
		}
	}
}
