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
	text, _ := book.Summary()
	if bytes.Contains(text, []byte("container-1")) || !bytes.Contains(text, []byte("container-2")) {
		t.Errorf("%s", text)
	}
	if got := again(t, book).Totals(now).Spooled["alma"]; got != 1 {
		t.Errorf("%d spooled", got)
	}
}

func TestALargeBookHasNoSummary(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	w := newWriter(book)
	for i := range 1<<16 + 1 {
		w.note(ledger.Accepted, fmt.Sprint(i), "one")
	}
	if _, ok := book.Summary(); ok {
		t.Error("it has one")
	}
	w.note(ledger.Done, "1", "one")
	if text, ok := book.Summary(); !ok || len(text) > 2<<20 {
		t.Errorf("%v, %d bytes", ok, len(text))
	}
}
