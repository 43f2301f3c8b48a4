package ledger_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker/ledger"
)

func TestBindingsAreStaleWithoutARunningProcess(t *testing.T) {
	t.Parallel()
	book, at, offset := ledger.NewBook(), time.UnixMilli(1_700_000_000_000).UTC(), int64(0)
	write := func(n ledger.Notes) {
		n.Time = at.UnixMilli()
		book.Fold(n, offset, at)
		offset++
	}
	expect := func(step string, want ledger.Bindings) {
		t.Helper()
		for _, b := range []*ledger.Book{book, again(t, book)} {
			if stale := b.Stale(at); !maps.EqualFunc(stale, want, slices.Equal[[]string]) {
				t.Errorf("%s: stale %v, want %v", step, stale, want)
			}
		}
	}
	write(ledger.Notes{Process: "old", Number: 1, Bindings: ledger.Bindings{"a": {"alma.#"}, "b": {"x.#", "y.#"}}})
	write(ledger.Notes{Process: "new", Number: 1, Bindings: ledger.Bindings{"a": {"alma.#"}, "b": {"y.#"}}})
	expect("both run", ledger.Bindings{})
	write(ledger.Notes{Process: "old", Number: 2, Stopped: true})
	expect("the old one has stopped", ledger.Bindings{"b": {"x.#"}})
	write(ledger.Notes{Process: "new", Number: 2, Unbound: ledger.Bindings{"b": {"x.#"}}})
	expect("unbound", ledger.Bindings{})
	write(ledger.Notes{Process: "killed", Number: 1, Bindings: ledger.Bindings{"c": {"z.#"}}})
	at = at.Add(14 * time.Minute)
	write(ledger.Notes{Process: "new", Number: 3})
	expect("it may run", ledger.Bindings{})
	at = at.Add(2 * time.Minute)
	write(ledger.Notes{Process: "new", Number: 4})
	expect("it is silent", ledger.Bindings{"c": {"z.#"}})
	if n := strings.Count(string(bytes.Join(book.Summary(), nil)), "z.#"); n != 1 {
		t.Errorf("the summary has the pattern %d times, not once: a silent process declares nothing", n)
	}
	if patterns, known := book.Patterns("b"); !known || !slices.Equal(patterns, []string{"y.#"}) {
		t.Errorf("b is bound by %v, known: %v", patterns, known)
	}
}
