package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker/ledger"
)

// TestEachRouteIsInTheTotals has many routes and processes, because the order of a map is another each time.
func TestEachRouteIsInTheTotals(t *testing.T) {
	t.Parallel()
	const n = 30
	book := ledger.NewBook()
	offset := int64(0)
	fold := func(process string, number int64, at time.Time, notes ledger.Notes) {
		notes.Process, notes.Number, notes.Time = process, number, at.UnixMilli()
		book.Fold(notes, offset, at)
		offset++
	}
	for i := range n {
		route, process, c := fmt.Sprint("route-", i), fmt.Sprint("process-", i), fmt.Sprint("c-", i)
		at := now
		if i%2 == 1 {
			at = now.Add(-24 * time.Hour) // a silent process, among the others
		}
		fold(process, 1, at, ledger.Notes{
			Notes: []ledger.Note{
				{Kind: ledger.Accepted, Source: "alma", Routes: []string{route}, IDs: []string{"a", "b"}},
				{Kind: ledger.Retrying, Source: "alma", Routes: []string{route}, IDs: []string{"b"}},
				{Kind: ledger.Accepted, Source: "alma", Routes: []string{route}, IDs: []string{c}},
				{Kind: ledger.Done, Source: "alma", Routes: []string{route}, IDs: []string{c}},
				{Kind: ledger.Done, Source: "alma", Routes: []string{route}, IDs: []string{c}},
				{Kind: ledger.Retrying, Source: "alma", Routes: []string{route}, IDs: []string{"of another book"}},
			},
			Held: map[string]int64{route: 3}, Running: map[string]int64{route: 2},
			Spool: process, Spooled: map[string]int64{"alma": 1, "github": 2},
		})
	}
	book.Mark()
	totals := book.Totals(now)
	if len(totals.Routes) != n {
		t.Errorf("%d routes", len(totals.Routes))
	}
	for i := range n {
		route := fmt.Sprint("route-", i)
		want := ledger.RouteTotals{Accepted: 3, Done: 1, Extra: 1, Open: 2, OpenAtMark: 2, Retrying: 1, Held: 3, Running: 2}
		if i%2 == 1 {
			want.Held, want.Running = 0, 0
		}
		if got := totals.Routes[route]; got != want {
			t.Errorf("%s: %+v, not %+v", route, got, want)
		}
	}
	if totals.Spooled["alma"] != n || totals.Spooled["github"] != 2*n {
		t.Errorf("spooled: %v", totals.Spooled)
	}
}

// TestEventsOfOneIDAreTwoByAnyPart has senders whose only ID is that of a thing.
func TestEventsOfOneIDAreTwoByAnyPart(t *testing.T) {
	t.Parallel()
	note := func(kind ledger.Kind, source, action, id, route string) ledger.Note {
		return ledger.Note{Kind: kind, Source: source, Action: action, Routes: []string{route}, IDs: []string{id}}
	}
	created := note(ledger.Accepted, "shop", "created", "42", "one")
	for name, other := range map[string]ledger.Note{
		"another action": note(ledger.Accepted, "shop", "deleted", "42", "one"),
		"another source": note(ledger.Accepted, "club", "created", "42", "one"),
		"another ID":     note(ledger.Accepted, "shop", "created", "43", "one"),
		"another route":  note(ledger.Accepted, "shop", "created", "42", "two"),
		"other borders":  note(ledger.Accepted, "shopcreated", "", "42", "one"),
	} {
		book := ledger.NewBook()
		w := newWriter(book)
		w.fold(ledger.Notes{Notes: []ledger.Note{created, created, other}})
		if book.Open() != 2 {
			t.Errorf("%s: %d open, not 2", name, book.Open())
		}
		other.Kind = ledger.Done
		w.fold(ledger.Notes{Notes: []ledger.Note{other}})
		if book.Open() != 1 {
			t.Errorf("%s: %d open after one is done", name, book.Open())
		}
		created := created
		created.Kind = ledger.Done
		w.fold(ledger.Notes{Notes: []ledger.Note{created}})
		if book.Open() != 0 {
			t.Errorf("%s: %d open after both are done", name, book.Open())
		}
	}
}

func TestDecodeRefusesMessagesThatItCannotCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:  "ledger: ",
		`{`: "ledger: ",
		`{"version":1,"process":"p","number":"1"}`: "ledger: ",
		`{"process":"p","number":1}`:               "version 0",
		`{"version":-1,"process":"p","number":1}`:  "version -1",
		`{"version":1,"number":1}`:                 "process or number",
		`{"version":1,"process":"p"}`:              "process or number",
		`{"version":1,"process":"p","number":0}`:   "process or number",
		`{"version":1,"process":"p","number":-1}`:  "process or number",
		`{"version":2,"process":"p","number":1}`:   "version 2",
	} {
		n, err := ledger.Decode([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || n.Process != "" {
			t.Errorf("%s: %+v, %v", text, n, err)
		}
		if newer := strings.Contains(text, `"version":2`); errors.Is(err, ledger.ErrNewer) != newer {
			t.Errorf("%s: newer %v: %v", text, !newer, err)
		}
	}
	n, err := ledger.Decode(ledger.Notes{Process: "p", Number: 1, Notes: []ledger.Note{{Kind: ledger.Done, IDs: []string{"1"}}}}.Encode())
	if err != nil || n.Version != ledger.Version || n.Process != "p" || n.Number != 1 || len(n.Notes) != 1 || n.Notes[0].Kind != ledger.Done {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestASummaryThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `{"version":0}`, `{"version":3}`, `{"version":1,"part":1,"parts":1}`, `{"version":2,"id":"a","part":0,"parts":1}`, `{"version":2,"id":"a","part":2,"parts":1}`,
		`{"version":1,"open":[{"keys":"AAAA"}]}`, `{"version":1,"early":[{"keys":"AAAA"}]}`, `{"version":2,"id":"a","part":1,"parts":1,"open":[{"keys":"AAAA"}]}`,
	} {
		if book, err := new(ledger.SummaryReader).Read([]byte(text)); err == nil || book != nil || !strings.Contains(err.Error(), "summary") {
			t.Errorf("%s: %v, %v", text, book, err)
		}
	}
}
