package ledger_test

import (
	"maps"
	"testing"
	"time"

	"github.com/hookline/hookline/broker/ledger"
)

func TestUnroutedEventsKeepTheirRoutingKey(t *testing.T) {
	t.Parallel()
	book, at := ledger.NewBook(), time.UnixMilli(1_700_000_000_000).UTC()
	book.Fold(ledger.Notes{Process: "p", Number: 1, Notes: []ledger.Note{
		{Kind: ledger.Accepted, Source: "alma", Action: "loan.created", IDs: []string{"1", "2"}},
		{Kind: ledger.Accepted, Source: "alma", Action: "job_end", IDs: []string{"1"}},
		{Kind: ledger.Accepted, Source: "alma", Action: "job_end", Routes: []string{"a"}, IDs: []string{"2"}},
	}}, 0, at)
	want := map[string]int64{"alma.loan.created": 2, "alma.job_end": 1}
	for _, b := range []*ledger.Book{book, again(t, book)} {
		b.Mark()
		if got := b.Totals(at).Unrouted; !maps.Equal(got, want) {
			t.Errorf("unrouted %v, want %v", got, want)
		}
	}
}

func TestEventsOfAnExternalRouteAreCountedAndNotKept(t *testing.T) {
	t.Parallel()
	book, offset, at := ledger.NewBook(), int64(0), time.UnixMilli(1_700_000_000_000).UTC()
	write := func(n ledger.Notes) {
		n.Process, n.Number, n.Time = "p", offset+1, at.UnixMilli()
		book.Fold(n, offset, at)
		offset++
	}
	note := func(kind ledger.Kind, ids ...string) ledger.Notes {
		return ledger.Notes{Notes: []ledger.Note{{Kind: kind, Source: "alma", Action: "job_end", Routes: []string{"mine"}, IDs: ids}}}
	}
	expect := func(step string, want ledger.RouteTotals, open int) {
		t.Helper()
		for _, b := range []*ledger.Book{book, again(t, book)} {
			b.Mark()
			if got := b.Totals(at).Routes["mine"]; got != want || b.Open() != open {
				t.Errorf("%s: %+v with %d open, want %+v with %d", step, got, b.Open(), want, open)
			}
		}
	}
	declare := func(external ...string) {
		write(ledger.Notes{Bindings: ledger.Bindings{"mine": {"alma.#"}}, External: external})
	}

	declare()
	write(note(ledger.Accepted, "1", "2"))
	expect("an ordinary route", ledger.RouteTotals{Accepted: 2, Open: 2, OpenAtMark: 2}, 2)
	declare("mine")
	expect("it becomes external", ledger.RouteTotals{Accepted: 2, External: true, Unfinished: 2, UnfinishedAtMark: 2}, 0)
	write(note(ledger.Accepted, "3", "4"))
	expect("more events", ledger.RouteTotals{Accepted: 4, External: true, Unfinished: 4, UnfinishedAtMark: 4}, 0)
	write(note(ledger.Discarded, "4"))
	write(note(ledger.Done, "3"))
	expect("one is discarded, a worker with an older configuration finishes one",
		ledger.RouteTotals{Accepted: 4, Done: 1, Discarded: 1, External: true, Unfinished: 2, UnfinishedAtMark: 2}, 0)
	write(note(ledger.Moved, "2"))
	expect("one is moved to the unrouted", ledger.RouteTotals{Accepted: 4, Done: 1, Discarded: 2, External: true, Unfinished: 1, UnfinishedAtMark: 1}, 1)
	declare()
	write(note(ledger.Accepted, "5"))
	expect("an ordinary route again", ledger.RouteTotals{Accepted: 5, Done: 1, Discarded: 2, Open: 1, OpenAtMark: 1, Unfinished: 1, UnfinishedAtMark: 1}, 2)

	declare("mine")
	anew := book.Anew(ledger.ReasonTrimmed)
	anew.Fold(ledger.Notes{Process: "p", Number: offset + 1, Notes: note(ledger.Accepted, "6").Notes}, offset, at)
	if got := anew.Totals(at).Routes["mine"]; !got.External || got.Unfinished != 1 {
		t.Errorf("a book that begins anew: %+v", got)
	}
}
