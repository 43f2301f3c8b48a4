package ledger_test

import (
	"reflect"
	"testing"

	"github.com/hookline/hookline/broker/ledger"
)

// What may write to RabbitMQ may write anything there.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"process":"p","number":1,"notes":[{"kind":"done","source":"alma","routes":["a"],"ids":["1"]}],"held":{"a":1}}`))
	f.Add([]byte(`{"version":1,"process":"p","number":1,"counts":{"a":null},"lost":1,"notes":[{"kind":"accepted","ids":[""]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := ledger.Decode(text)
		if err != nil {
			return
		}
		second, err := ledger.Decode(n.Encode())
		if err != nil {
			t.Fatal(err)
		}
		book := ledger.NewBook()
		book.Fold(n, 0, now)
		book.Fold(second, 1, now)
		book.Mark()
		before := book.Totals(now)
		if before.Newer > 0 {
			return // the book has no summary
		}
		read := again(t, book)
		read.Mark()
		if after := read.Totals(now); !reflect.DeepEqual(before.Routes, after.Routes) {
			t.Fatalf("%+v, after its summary %+v", before, after)
		}
	})
}

func FuzzReadSummary(f *testing.F) {
	f.Add(ledger.NewBook().Summary()[0])
	f.Add([]byte(`{"version":2,"id":"a","part":1,"parts":1,"open":[{"keys":"AAAA"}]}`))
	f.Add([]byte(`{"version":1,"sources":{"a":null},"open":[{"keys":"AAAA"}],"early":[{"kind":"done","keys":"AAAAAAAAAAAAAAAAAAAAAA=="}]}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		book, err := new(ledger.SummaryReader).Read(text)
		if err != nil || book == nil {
			return
		}
		book.Fold(ledger.Notes{Process: "p", Number: 1, Counts: map[string]map[string]int64{"a": {"b": 1}}, Held: map[string]int64{"a": 1}}, 1, now)
		book.Mark()
		book.Totals(now)
	})
}
