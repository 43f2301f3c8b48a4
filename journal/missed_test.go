package journal_test

import (
	"testing"

	"github.com/hookline/hookline/journal"
)

var _ journal.Place = (*journal.Store)(nil)

func TestAnotherStreamIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	at := func() int64 {
		t.Helper()
		offset, _, err := s.Offset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return offset
	}
	appendAt := func(offset, number int64, record journal.Stored) {
		t.Helper()
		if err := s.AppendAt(t.Context(), offset, journal.Batch{Process: "p", Number: number, Stored: []journal.Stored{record}}); err != nil {
			t.Fatal(err)
		}
	}
	appendAt(70, 1, received(1, "{}"))
	if err := s.Missed(t.Context(), 0, "the stream was deleted"); err != nil || at() != -1 {
		t.Fatalf("%v; the offset is %d", err, at())
	}
	appendAt(0, 5, received(2, "{}"))
	if err := s.Missed(t.Context(), 30, "aged out"); err != nil || at() != 29 {
		t.Fatalf("%v; the offset is %d", err, at())
	}
	appendAt(30, 9, received(3, "{}"))
	events, _, err := s.Events(t.Context(), journal.Filter{}, journal.Page{Limit: 10})
	if err != nil || len(events) != 3 || at() != 30 {
		t.Errorf("%v: %d events; the offset is %d", err, len(events), at())
	}
}
