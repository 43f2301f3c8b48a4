package ledger

import "testing"

// Two receivers can give one event to a route while the queue of another route is full. Their notes can come after those of the worker.
func TestFinalsOfAnEventThatWasAcceptedTwiceWaitForBothNotes(t *testing.T) {
	t.Parallel()
	h := &history{book: NewBook()}
	h.note(Accepted, []string{"0"}, "neighbour")
	h.note(Done, []string{"0"}, "neighbour")
	for range 3 { // and a redelivery
		h.note(Done, []string{"1"}, "neighbour")
	}
	if got, want := h.totals(t, "neighbour"), (RouteTotals{Accepted: 1, Done: 1, Extra: 3}); got != want {
		t.Errorf("before the notes: %+v, want %+v", got, want)
	}
	h.note(Partly, []string{"1"}, "neighbour")
	h.note(Partly, []string{"1"}, "neighbour")
	if got, want := h.totals(t, "neighbour"), (RouteTotals{Accepted: 3, Done: 3, Extra: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFurtherFinalsOfAnEventAreCountedAndBounded(t *testing.T) {
	t.Parallel()
	h := &history{book: NewBook()}
	h.note(Accepted, []string{"0"}, "neighbour")
	h.note(Done, []string{"0"}, "neighbour")
	for range maxRepeats + 11 {
		h.note(Done, []string{"1"}, "neighbour")
	}
	if got, want := h.totals(t, "neighbour"), (RouteTotals{Accepted: 1, Done: 1, Extra: maxRepeats + 11}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(h.book.early.at) != 1 {
		t.Errorf("%d early notes", len(h.book.early.at))
	}
	for _, at := range h.book.early.at {
		if n := at.Value.(earlyNote).repeats; n != maxRepeats {
			t.Errorf("%d repeats are kept, not %d", n, maxRepeats)
		}
	}
	for n := range maxEarly {
		h.note(Done, ids(n+2, n+3), "neighbour") // the note of 1 is the oldest
	}
	if got := h.totals(t, "neighbour").Extra; got != maxRepeats+11+maxEarly {
		t.Errorf("%d extra after the oldest note was removed, want %d", got, maxRepeats+11+maxEarly)
	}
}
