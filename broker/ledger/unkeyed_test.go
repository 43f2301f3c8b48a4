package ledger

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// history folds notes of one process.
type history struct {
	book   *Book
	number int64
}

func (h *history) note(kind Kind, ids []string, routes ...string) {
	h.number++
	h.book.Fold(Notes{Process: "p", Number: h.number, Time: 1_700_000_000_000, Notes: []Note{
		{Kind: kind, Source: "alma", Action: "job_end", Routes: routes, IDs: ids},
	}}, h.number, time.UnixMilli(1_700_000_000_000))
}

// totals returns the totals of a route, also of a book that was read from its summary.
func (h *history) totals(t *testing.T, route string) RouteTotals {
	t.Helper()
	h.book.Mark()
	found := h.book.Totals(time.UnixMilli(1_700_000_000_000)).Routes[route]
	var reader SummaryReader
	for _, text := range h.book.Summary() {
		read, err := reader.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		if read == nil {
			continue
		}
		if got := read.Totals(time.UnixMilli(1_700_000_000_000)).Routes[route]; got != found {
			t.Errorf("%+v after a summary, want %+v", got, found)
		}
	}
	return found
}

func ids(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

// Two million open events made 260 MiB of one worker, and then of the next one.
func TestABookKeepsABoundedNumberOfKeysAndLosesNoCount(t *testing.T) {
	t.Parallel()
	const room, all, lost, bulk = 40_000, 70_000, 5, 1000
	h := &history{book: NewBook()}
	if h.book.room > 1<<19 {
		t.Errorf("a book has room for %d keys", h.book.room)
	}
	h.book.room = room
	for from := 0; from < all; from += bulk {
		h.note(Accepted, ids(from, from+bulk), "slow")
		h.note(Accepted, ids(from, from+bulk), "quick")
		h.note(Done, ids(from, from+bulk), "quick")
	}
	if got := h.book.Open(); got != room/2 {
		t.Errorf("%d keys, want half of %d for one route", got, room)
	}
	if got, want := h.totals(t, "slow"), (RouteTotals{Accepted: all, Open: all, OpenAtMark: all, Unkeyed: all - room/2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := h.totals(t, "quick"), (RouteTotals{Accepted: all, Done: all}); got != want {
		t.Errorf("a route without a backlog: %+v, want %+v", got, want)
	}
	for from := lost; from < all; from += bulk {
		h.note(Done, ids(from, min(all, from+bulk)), "slow")
	}
	if got := h.totals(t, "slow"); got.Open != lost || got.OpenAtMark != lost || got.Done != all-lost || got.Extra != 0 || got.Unkeyed != 0 {
		t.Errorf("after the backlog: %+v, want %d open ones, which were lost", got, lost)
	}
}

// Notes come in any order, but a final of one event comes once.
func TestUnkeyedEventsAreCountedLikeThoseWithKeys(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			h := &history{book: NewBook()}
			h.book.room = random.IntN(8)
			var pending []func() // the next note of each event
			add := func(next func()) { pending = append(pending, next) }
			var lost, unrouted int64
			for i := range 200 {
				id := []string{strconv.Itoa(i)}
				final := Done
				if random.IntN(4) == 0 {
					final = Discarded
				}
				switch random.IntN(6) {
				case 0: // unrouted, and discarded
					add(func() { h.note(Accepted, id); add(func() { h.note(Discarded, id) }) })
				case 1: // unrouted, replayed, and done; the notes of the replay and of the end overtake each other
					add(func() {
						h.note(Accepted, id)
						add(func() { add(func() { h.note(Routed, id, "one") }); add(func() { h.note(Done, id, "one") }) })
					})
				case 2: // lost
					lost++
					add(func() { h.note(Accepted, id, "one") })
				case 3: // unrouted, and left there
					unrouted++
					add(func() { h.note(Accepted, id) })
				case 4: // moved, and discarded
					add(func() {
						h.note(Accepted, id, "one")
						add(func() { h.note(Moved, id, "one"); add(func() { h.note(Discarded, id) }) })
					})
				default:
					add(func() { h.note(Accepted, id, "one") })
					add(func() { h.note(Retrying, id, "one"); add(func() { h.note(final, id, "one") }) })
				}
			}
			for len(pending) > 0 {
				i := random.IntN(len(pending))
				next := pending[i]
				pending[i] = pending[len(pending)-1]
				pending = pending[:len(pending)-1]
				next()
				if open := h.book.Open(); open > h.book.room {
					t.Fatalf("%d keys, more than %d", open, h.book.room)
				}
			}
			for route, want := range map[string]int64{"one": lost, "": unrouted} {
				got := h.totals(t, route)
				if got.Open != want || got.OpenAtMark != want || got.Extra != 0 || got.Uncounted != 0 || got.Accepted != got.Open+got.Done+got.Discarded {
					t.Errorf("route %q: %+v, want %d open", route, got, want)
				}
			}
		})
	}
}

func TestUnkeyedEventsOfTheNextSecondAreNotMissing(t *testing.T) {
	t.Parallel()
	h := &history{book: NewBook()}
	h.book.room = 2
	h.note(Accepted, ids(0, 10), "one")
	h.book.Mark()
	h.note(Accepted, ids(10, 14), "one")
	h.note(Done, ids(0, 3), "one")
	if got := h.book.Totals(time.UnixMilli(1_700_000_000_000)).Routes["one"]; got.Open != 11 || got.OpenAtMark != 7 {
		t.Errorf("%+v, want 11 open and 7 since the mark", got)
	}
}

func TestUnkeyedEventsAreForgottenWithTheOthers(t *testing.T) {
	t.Parallel()
	h := &history{book: NewBook()}
	h.book.room = 2
	h.note(Accepted, ids(0, 10), "one")
	h.book.Fold(Notes{Process: "p", Number: h.number + 1, Lost: 1}, h.number+1, time.UnixMilli(1_700_000_000_000))
	h.number++
	if got := h.totals(t, "one"); got != (RouteTotals{}) {
		t.Errorf("after lost notes: %+v", got)
	}
	h.note(Accepted, ids(0, 3), "one")
	if got := h.totals(t, "one"); got.Open != 3 || got.Unkeyed != 2 {
		t.Errorf("%+v, want 3 open ones, two of them without a key", got)
	}
	h.book.declareExternal("one", true)
	if got := h.totals(t, "one"); got.Open != 0 || got.Unkeyed != 0 || got.Unfinished != 3 {
		t.Errorf("an external route: %+v", got)
	}
}
