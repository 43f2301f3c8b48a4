package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker/ledger"
)

func TestASpoolWithLossesOrEventsStaysInTheBook(t *testing.T) {
	t.Parallel()
	w := newWriter(ledger.NewBook())
	report := func(name string, c ledger.SpoolCounts) {
		n := ledger.Notes{Spool: name, SpoolCounts: &c}
		if c.Present > 0 {
			n.Spooled = map[string]int64{"alma": c.Present}
		}
		w.fold(n)
	}
	report("damaged", ledger.SpoolCounts{Taken: 203, Published: 101})
	report("empty", ledger.SpoolCounts{Taken: 9, Published: 8, Discarded: 1})
	report("used", ledger.SpoolCounts{Taken: 7, Published: 2, Present: 5})
	totals := func(b *ledger.Book, at time.Time) []ledger.SpoolTotals {
		list := b.Totals(at).Spools
		slices.SortFunc(list, func(a, b ledger.SpoolTotals) int { return int(b.Taken - a.Taken) })
		return list
	}
	for _, b := range []*ledger.Book{w.book, again(t, w.book), w.book.Anew(ledger.ReasonReplaced)} {
		got := totals(b, now.Add(time.Minute))
		if len(got) != 2 || got[0].Spool != "damaged" || got[0].Unaccounted() != 102 || got[1].Unaccounted() != 0 || b.Lost() != 102 {
			t.Errorf("%+v", got)
		}
		for _, s := range got {
			if !s.SilentSince.IsZero() {
				t.Errorf("%+v after a minute", s)
			}
		}
		got = totals(b, now.Add(10*time.Minute))
		if got[0].Spool != "damaged" || !got[0].SilentSince.IsZero() || !got[1].SilentSince.Equal(now) {
			t.Errorf("after ten minutes: %+v", got)
		}
	}
	later := now.Add(9 * time.Minute)
	w.book.Fold(ledger.Notes{Process: "p", Number: 4, Time: later.UnixMilli()}, 9, later)
	if got := totals(w.book, later.Add(time.Minute)); !got[1].SilentSince.IsZero() {
		t.Errorf("its process writes: %+v", got)
	}
}

// A restored copy of a spool's folder has the same name and smaller numbers. The events that it lacks stay lost in the book.
func TestAnOlderCopyOfASpoolLacksEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, copied ledger.SpoolCounts
		lost           int64
	}{
		"all have been published since":        {ledger.SpoolCounts{Taken: 15, Published: 15}, ledger.SpoolCounts{Taken: 10, Present: 10}, 0},
		"five came since, and are there":       {ledger.SpoolCounts{Taken: 15, Present: 15}, ledger.SpoolCounts{Taken: 10, Present: 10}, 5},
		"five came since, and three are there": {ledger.SpoolCounts{Taken: 15, Published: 12, Present: 3}, ledger.SpoolCounts{Taken: 10, Present: 10}, 3},
		"no older copy":                        {ledger.SpoolCounts{Taken: 15, Present: 15}, ledger.SpoolCounts{Taken: 15, Published: 15}, 0},
	} {
		w := newWriter(ledger.NewBook())
		report := func(c ledger.SpoolCounts) {
			w.fold(ledger.Notes{Spool: "s", SpoolCounts: &c, Spooled: map[string]int64{"alma": c.Present}})
		}
		report(c.before)
		report(c.copied)
		for _, b := range []*ledger.Book{w.book, again(t, w.book), w.book.Anew(ledger.ReasonReplaced)} {
			list := b.Totals(now).Spools
			if len(list) != 1 || list[0].Unaccounted() != c.lost || list[0].Taken != c.copied.Taken+c.lost || b.Lost() != c.lost {
				t.Errorf("%s: %+v, lost %d", name, list, b.Lost())
			}
		}
		report(ledger.SpoolCounts{Taken: 20, Published: 20}) // the copy goes on, and is published
		if b := w.book; b.Lost() != c.lost {
			t.Errorf("%s: later %d are lost", name, b.Lost())
		}
	}
}
