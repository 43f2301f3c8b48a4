package ledger_test

import (
	"testing"

	"github.com/hookline/hookline/broker/ledger"
)

// TestAnEventThatAPersonGivesAgainCountsOnceMore has the notes in each order in which they can arrive.
func TestAnEventThatAPersonGivesAgainCountsOnceMore(t *testing.T) {
	t.Parallel()
	const a, r, d, x = ledger.Accepted, ledger.Retrying, ledger.Done, ledger.Discarded
	const from, again = ledger.Redelivering, ledger.Redelivered
	for name, c := range map[string]struct {
		before []ledger.Kind // for no route
		notes  []ledger.Kind // for the route
		want   ledger.RouteTotals
		open   int64 // unrouted
	}{
		"done before":                      {nil, []ledger.Kind{a, d, from, again}, ledger.RouteTotals{Accepted: 2, Done: 1, Open: 1}, 0},
		"done twice":                       {nil, []ledger.Kind{a, d, from, again, d}, ledger.RouteTotals{Accepted: 2, Done: 2}, 0},
		"its end is known first":           {nil, []ledger.Kind{a, d, from, d, again}, ledger.RouteTotals{Accepted: 2, Done: 2}, 0},
		"it retries first":                 {nil, []ledger.Kind{a, d, from, r, again}, ledger.RouteTotals{Accepted: 2, Done: 1, Open: 1}, 0},
		"open before":                      {nil, []ledger.Kind{a, from, again}, ledger.RouteTotals{Accepted: 2, Open: 2}, 0},
		"open before, one done":            {nil, []ledger.Kind{a, from, again, d}, ledger.RouteTotals{Accepted: 2, Done: 1, Open: 1}, 0},
		"open before, both end":            {nil, []ledger.Kind{a, from, again, d, x}, ledger.RouteTotals{Accepted: 2, Done: 1, Discarded: 1}, 0},
		"open before, both end first":      {nil, []ledger.Kind{a, from, d, d, again}, ledger.RouteTotals{Accepted: 2, Done: 2}, 0},
		"given three times":                {nil, []ledger.Kind{a, from, again, from, again, from, again, d}, ledger.RouteTotals{Accepted: 4, Done: 1, Open: 3}, 0},
		"its sender comes later":           {nil, []ledger.Kind{from, again, a, a}, ledger.RouteTotals{Accepted: 2, Open: 2}, 0},
		"its sender repeats it":            {nil, []ledger.Kind{a, from, again, a}, ledger.RouteTotals{Accepted: 2, Open: 2}, 0},
		"unknown":                          {nil, []ledger.Kind{from, again, d}, ledger.RouteTotals{Accepted: 1, Done: 1}, 0},
		"a full queue refused it":          {nil, []ledger.Kind{a, d, from}, ledger.RouteTotals{Accepted: 1, Done: 1}, 0},
		"unrouted":                         {[]ledger.Kind{a}, []ledger.Kind{from, again, d}, ledger.RouteTotals{Accepted: 1, Done: 1}, 1},
		"unrouted, its end is known first": {[]ledger.Kind{a}, []ledger.Kind{from, d, again}, ledger.RouteTotals{Accepted: 1, Done: 1}, 1},
		"unrouted, refused and routed":     {[]ledger.Kind{a}, []ledger.Kind{from, ledger.Routed, d}, ledger.RouteTotals{Accepted: 1, Done: 1}, 0},
	} {
		for _, summary := range []bool{false, true} {
			w := newWriter(ledger.NewBook())
			for _, kind := range c.before {
				w.note(kind, "1")
			}
			for _, kind := range c.notes {
				w.note(kind, "1", "archive")
				if summary {
					reader := ledger.SummaryReader{}
					book, err := reader.Read(w.book.Summary()[0])
					if err != nil {
						t.Fatal(err)
					}
					w.book = book
				}
			}
			got := w.book.Totals(now)
			total := got.Routes["archive"]
			total.OpenAtMark, total.Retrying = 0, 0
			if summary && name == "its sender comes later" {
				continue // a summary does not say whose delivery is open: the sender's counts as a repeat
			}
			if total != c.want || got.Routes[""].Open != c.open {
				t.Errorf("%s (read from a summary: %t): %+v, want %+v; %d unrouted, want %d", name, summary, total, c.want, got.Routes[""].Open, c.open)
			}
			if got.Sources["alma"].Accepted > 2 {
				t.Errorf("%s: %+v", name, got.Sources)
			}
		}
	}
}
