package ledger_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/hookline/hookline/broker/ledger"
)

func TestASpoolThatIsEmptyIsForgotten(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	w.fold(ledger.Notes{Spool: "container-1:/data", Spooled: map[string]int64{"alma": 5}})
	w.fold(ledger.Notes{Spool: "container-2:/data", Spooled: map[string]int64{"alma": 1}})
	w.fold(ledger.Notes{Spool: "container-1:/data"})
	w.fold(ledger.Notes{})
	text := book.Summary()[0]
	if bytes.Contains(text, []byte("container-1")) || !bytes.Contains(text, []byte("container-2")) {
		t.Errorf("%s", text)
	}
	if got := again(t, book).Totals(now).Spooled["alma"]; got != 1 {
		t.Errorf("%d spooled", got)
	}
}

func TestALargeBookHasASummaryInParts(t *testing.T) {
	t.Parallel()
	const open = 150_000
	book := ledger.NewBook()
	w := newWriter(book)
	for i := range open {
		w.note(ledger.Accepted, fmt.Sprint(i), "one")
	}
	w.note(ledger.Retrying, "7", "one")
	parts := book.Summary()
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	others := book.Summary() // another writer's, mixed with these
	var reader ledger.SummaryReader
	for i, part := range parts {
		if len(part) > 2<<20 || ledger.Parts(part) != 3 {
			t.Errorf("part %d has %d bytes, of %d", i, len(part), ledger.Parts(part))
		}
		if i == 1 {
			continue // the last one but one comes late
		}
		for _, text := range [][]byte{others[i], part} {
			if read, err := reader.Read(text); err != nil || read != nil {
				t.Fatalf("part %d: %v, %v", i, read, err)
			}
		}
	}
	read := again(t, book)
	w.book = read
	w.note(ledger.Done, "7", "one")
	w.note(ledger.Done, fmt.Sprint(open-1), "one")
	if got, want := read.Totals(now).Routes["one"], (ledger.RouteTotals{Accepted: open, Done: 2, Open: open - 2, OpenAtMark: open - 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// The form of the first release: one message of version 1, without the fields that came later.
func TestAnOlderSummaryIsRead(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	w.note(ledger.Accepted, "1", "one")
	text := book.Summary()[0]
	if !bytes.HasPrefix(text, []byte(`{"version":1,"position":{"offset":0,"process":"p","number":1},"since":1700000000000,"routes":[`)) {
		t.Errorf("an older reader does not know %s", text)
	}
	read, err := new(ledger.SummaryReader).Read([]byte(`{"version":1,"position":{"offset":0,"process":"p","number":1},"since":1700000000000,
		"routes":[{"route":"one","accepted":3,"done":1,"discarded":1,"extra":0}],"sources":{},"processes":[],"spools":{},"open":[],"early":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Totals(now); got.Routes["one"].Accepted != 3 || got.Anew != "" || got.Newer != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAPartWithoutTheOthersIsNoSummary(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"version":2,"id":"a","part":2,"parts":2}`, `{"version":2,"id":"a","part":3,"parts":2}`, `{"version":2}`, `{"version":3}`, `{}`,
	} {
		if book, err := new(ledger.SummaryReader).Read([]byte(text)); book != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
