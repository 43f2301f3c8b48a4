package ledger_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker/ledger"
)

var now = time.UnixMilli(1_700_000_000_000).UTC()

// writer makes messages of one process and folds them.
type writer struct {
	book    *ledger.Book
	process string
	number  int64
	offset  *int64
}

func newWriter(book *ledger.Book) *writer { return &writer{book, "p", 0, new(int64)} }

func (w *writer) fold(n ledger.Notes) {
	w.number++
	n.Process, n.Number, n.Time = w.process, w.number, now.UnixMilli()
	w.book.Fold(n, *w.offset, now)
	*w.offset++
}

func (w *writer) note(kind ledger.Kind, id string, routes ...string) {
	w.fold(ledger.Notes{Notes: []ledger.Note{{Kind: kind, Source: "alma", Routes: routes, IDs: []string{id}}}})
}

func TestBookTotals(t *testing.T) {
	t.Parallel()
	const a, r, d, x, u = ledger.Accepted, ledger.Retrying, ledger.Done, ledger.Discarded, ledger.Routed
	type step struct {
		kind   ledger.Kind
		routes []string
	}
	to := func(kind ledger.Kind, routes ...string) step { return step{kind, routes} }
	for name, c := range map[string]struct {
		steps []step
		want  map[string]ledger.RouteTotals
	}{
		"accepted": {[]step{to(a, "one", "two")}, map[string]ledger.RouteTotals{
			"one": {Accepted: 1, Open: 1}, "two": {Accepted: 1, Open: 1}}},
		"accepted twice counts once":        {[]step{to(a, "one"), to(a, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Open: 1}}},
		"done":                              {[]step{to(a, "one", "two"), to(d, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Done: 1}, "two": {Accepted: 1, Open: 1}}},
		"done before accepted":              {[]step{to(d, "one"), to(a, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Done: 1}}},
		"done twice":                        {[]step{to(a, "one"), to(d, "one"), to(d, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Done: 1, Extra: 1}}},
		"done, never accepted":              {[]step{to(d, "one")}, map[string]ledger.RouteTotals{"one": {Uncounted: 1}}},
		"the sender repeats it later":       {[]step{to(a, "one"), to(d, "one"), to(a, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 2, Done: 1, Open: 1}}},
		"retrying":                          {[]step{to(a, "one"), to(r, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Open: 1, Retrying: 1}}},
		"retrying before accepted":          {[]step{to(r, "one"), to(a, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Open: 1, Retrying: 1}}},
		"retried, then done, then accepted": {[]step{to(r, "one"), to(d, "one"), to(r, "one"), to(a, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Done: 1}}},
		"discarded":                         {[]step{to(a, "one"), to(x, "one")}, map[string]ledger.RouteTotals{"one": {Accepted: 1, Discarded: 1}}},
		"unrouted":                          {[]step{to(a)}, map[string]ledger.RouteTotals{"": {Accepted: 1, Open: 1}}},
		"unrouted and discarded":            {[]step{to(a), to(x)}, map[string]ledger.RouteTotals{"": {Accepted: 1, Discarded: 1}}},
		"unrouted and replayed": {[]step{to(a), to(u, "one", "two"), to(d, "two")}, map[string]ledger.RouteTotals{
			"": {Accepted: 1, Done: 1}, "one": {Accepted: 1, Open: 1}, "two": {Accepted: 1, Done: 1}}},
		"unrouted, replayed and done before the replay is noted": {[]step{to(a), to(d, "one"), to(u, "one")}, map[string]ledger.RouteTotals{
			"": {Accepted: 1, Done: 1}, "one": {Accepted: 1, Done: 1}}},
		"a binding by hand": {[]step{to(a), to(d, "one")}, map[string]ledger.RouteTotals{"": {Accepted: 1, Done: 1}, "one": {Accepted: 1, Done: 1}}},
		"a binding by hand, done before accepted": {[]step{to(d, "one"), to(a)}, map[string]ledger.RouteTotals{
			"": {Accepted: 1, Done: 1}, "one": {Accepted: 1, Done: 1}}},
		"a binding that is missing": {[]step{to(a, "one"), to(x)}, map[string]ledger.RouteTotals{
			"one": {Accepted: 1, Discarded: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := ledger.NewBook()
			w := newWriter(book)
			for _, s := range c.steps {
				w.note(s.kind, "1", s.routes...)
			}
			for _, b := range []*ledger.Book{book, again(t, book)} {
				b.Mark()
				got := b.Totals(now).Routes
				for route, total := range got {
					want := c.want[route]
					want.OpenAtMark = want.Open
					if total != want {
						t.Errorf("route %q: %+v, want %+v", route, total, want)
					}
				}
				for route := range c.want {
					if _, ok := got[route]; !ok {
						t.Errorf("route %q is missing", route)
					}
				}
			}
		})
	}
}

// again is the book after a way through its summary.
func again(t *testing.T, b *ledger.Book) *ledger.Book {
	t.Helper()
	var reader ledger.SummaryReader
	for _, text := range b.Summary() {
		read, err := reader.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		if read != nil {
			return read
		}
	}
	t.Fatal("the book has no whole summary")
	return nil
}

// Whatever the order in which processes' notes come, how often a message is sent and where a reader begins: open is what
// was accepted and not finished.
func TestOpenIsAcceptedWithoutFinished(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		routes := []string{"one", "two"}
		accepted, finished := map[string]bool{}, map[string]bool{}
		processes := map[string][]ledger.Notes{}
		add := func(kind ledger.Kind, id string, routes ...string) {
			p := pick(random, "a", "b", "c")
			processes[p] = append(processes[p], ledger.Notes{
				Process: p, Number: int64(len(processes[p]) + 1), Time: now.UnixMilli(),
				Notes: []ledger.Note{{Kind: kind, Source: "alma", Routes: routes, IDs: []string{id}}},
			})
		}
		for i := range random.IntN(20) {
			id := fmt.Sprint(i)
			if random.IntN(4) > 0 {
				accepted[id] = true
				add(ledger.Accepted, id, routes...)
			}
			for _, route := range routes {
				for range random.IntN(3) {
					add(ledger.Retrying, id, route)
				}
				for range random.IntN(3) {
					finished[id+" "+route] = true
					add(pick(random, ledger.Done, ledger.Discarded), id, route)
				}
			}
		}
		book, offset := ledger.NewBook(), int64(0)
		for len(processes) > 0 {
			p := pick(random, slices.Sorted(maps.Keys(processes))...)
			for range 1 + random.IntN(2) {
				book.Fold(processes[p][0], offset, now)
				offset++
			}
			if processes[p] = processes[p][1:]; len(processes[p]) == 0 {
				delete(processes, p)
			}
			if random.IntN(10) == 0 {
				book = again(t, book)
			}
		}
		for _, route := range routes {
			var want ledger.RouteTotals
			for id := range accepted {
				want.Accepted++
				if !finished[id+" "+route] {
					want.Open++
				}
			}
			got := book.Totals(now).Routes[route]
			if got.Accepted != want.Accepted || got.Open != want.Open || got.Done+got.Discarded != want.Accepted-want.Open {
				t.Fatalf("seed %d, route %s: %+v, want %+v", seed, route, got, want)
			}
		}
	}
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func TestOpenAtMark(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	w.note(ledger.Accepted, "done", "one")
	w.note(ledger.Accepted, "open", "one")
	book.Mark()
	w.note(ledger.Accepted, "new", "one")
	w.note(ledger.Done, "done", "one")
	if got := book.Totals(now).Routes["one"]; got.Open != 2 || got.OpenAtMark != 1 {
		t.Errorf("%+v", got)
	}
}

func TestHeldIsTheMostSinceTheMark(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	other := &writer{book, "q", 0, w.offset}
	held := func(w *writer, n int64) { w.fold(ledger.Notes{Held: map[string]int64{"one": n}}) }
	expect := func(at time.Time, want int64) {
		t.Helper()
		if got := book.Totals(at).Routes["one"].Held; got != want {
			t.Errorf("%d are held, want %d", got, want)
		}
	}
	held(w, 5)
	held(w, 1)
	book.Mark()
	expect(now, 1)
	held(w, 3)
	held(w, 2)
	held(other, 4)
	expect(now, 7)
	book.Mark()
	expect(now, 6)
	expect(now.Add(time.Minute), 0)
	w.fold(ledger.Notes{})
	book.Mark()
	expect(now, 4)
}

func TestLostNotesBeginTheBookAnew(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	w.note(ledger.Accepted, "1", "one")
	w.note(ledger.Accepted, "2", "one")
	w.note(ledger.Done, "1", "one")
	w.fold(ledger.Notes{Lost: 3})
	got := book.Totals(now)
	if got.Routes["one"] != (ledger.RouteTotals{Accepted: 1, Done: 1}) || got.Anew == "" {
		t.Errorf("%+v", got)
	}
}

func TestEarlyNotesAreBounded(t *testing.T) {
	t.Parallel()
	const n = 20_000
	book := ledger.NewBook()
	w := newWriter(book)
	for i := range n {
		w.note(ledger.Done, fmt.Sprint(i), "one")
	}
	for i := range n {
		w.note(ledger.Accepted, fmt.Sprint(i), "one")
	}
	got := book.Totals(now).Routes["one"]
	if got.Accepted != n || got.Done < 10_000 || got.Open != got.Extra+got.Uncounted || got.Done+got.Open != n {
		t.Errorf("%+v", got)
	}
}

func TestCountsAndSpoolsAddUp(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	counts := func(n int64) map[string]map[string]int64 { return map[string]map[string]int64{"alma": {"received": n}} }
	w.fold(ledger.Notes{Counts: counts(2), Spool: "a", Spooled: map[string]int64{"alma": 5}})
	w.fold(ledger.Notes{Counts: counts(3), Spool: "b", Spooled: map[string]int64{"alma": 1}})
	w.fold(ledger.Notes{Spool: "a", Spooled: map[string]int64{"alma": 4}})
	w.note(ledger.Accepted, "1")
	for _, b := range []*ledger.Book{book, again(t, book)} {
		got := b.Totals(now)
		want := map[string]ledger.SourceTally{"alma": {Accepted: 1, Unrouted: 1, Counts: map[string]int64{"received": 5}}}
		if !reflect.DeepEqual(got.Sources, want) || got.Spooled["alma"] != 5 || !got.Since.Equal(now) {
			t.Errorf("%+v", got)
		}
	}
}

// Receivers count what strangers send, and that pushes notes out of the stream as well.
func TestMessagesWithoutEventsAreWorthASummaryToo(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	for range 10 {
		w.fold(ledger.Notes{Counts: map[string]map[string]int64{"alma": {"received": 1}}})
	}
	w.note(ledger.Accepted, "1")
	if got := book.Folded(); got != 12 {
		t.Errorf("folded %d, not 11 messages and an event", got)
	}
}

func TestOldProcessesAreForgotten(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	var offset int64
	for i := range 1100 {
		w := &writer{book, fmt.Sprint(i), 0, &offset}
		w.fold(ledger.Notes{})
	}
	if book.Has("99", 1) || !book.Has("100", 1) || !book.Has("1099", 1) || book.Has("1099", 2) {
		t.Error("the wrong ones were forgotten")
	}
}
