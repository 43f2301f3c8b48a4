package transfer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/marc"
	"github.com/hookline/hookline/alma/transfer"
)

func TestABadRecordIsReportedWithItsPlaceOrFailsTheFile(t *testing.T) {
	t.Parallel()
	text := strings.Replace(marcxml(t, 1, 5), "990000000003</controlfield>", "990000000003</controlfeld>", 1)
	b := newBench(t, transfer.Config{}).has("E.tar.gz", archive(t, "x.xml", text))
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, b.delivered()["E.xml"]); len(got) != 4 {
		t.Errorf("%v", got)
	}
	reports := b.logs.FilterMessage("bad record").All()
	want := fmt.Sprintf("x.xml: record 3 at byte %d: is not well-formed", strings.Index(text, "<record>")+2*len(written(t, marc.NewXMLWriter, 1, 1))-2*len(written(t, marc.NewXMLWriter, 1, 0)))
	if len(reports) != 1 || !strings.HasPrefix(fmt.Sprint(reports[0].ContextMap()["error"]), want) {
		t.Errorf("%v, not %s", reports[0].ContextMap(), want)
	}

	b = newBench(t, transfer.Config{BadRecords: "fail"}).has("E.tar.gz", archive(t, "x.xml", text))
	b.fails(b.run(), true, "x.xml: record 3 at byte")

	many := newBench(t, transfer.Config{Change: []transfer.Change{{Set: &transfer.Set{Field: "001", Value: `int(field("245$a"))`}}}}).has("E.xml", marcxml(t, 1, 50))
	many.fails(many.run(), true, "all 50 records are bad; the first: record 1 at byte 52: the expression has no result (1:1)")
	if text := fmt.Sprint(many.logs.All()[0].ContextMap()["error"]); !strings.Contains(text, "no result (1:1)") || strings.Contains(text, "Title") {
		t.Error(text)
	}
	if n := many.logs.FilterMessage("bad record").Len(); n != 20 || len(many.delivered()) != 0 {
		t.Errorf("%d reports", n)
	}
	second := newBench(t, transfer.Config{Where: `job == "5" and (n != 5 or int(field("245$a")) > 0)`}).has("E.tar.gz", archive(t, "a.xml", marcxml(t, 1, 3), "b.mrc", written(t, marc.NewBinaryWriter, 4, 6)))
	if err := second.run(); err != nil {
		t.Fatal(err)
	}
	want = fmt.Sprintf("b.mrc: record 2 at byte %d: the expression has no result", len(written(t, marc.NewBinaryWriter, 4, 4)))
	if reports := second.logs.FilterMessage("bad record").All(); len(reports) != 1 || !strings.HasPrefix(fmt.Sprint(reports[0].ContextMap()["error"]), want) {
		t.Errorf("%v, not %s", reports, want)
	}
	columns := []transfer.Column{{Name: "n", Value: `n in [3, 4, 7] ? string(int(field("245$a"))) : string(n)`}}
	batches := newBench(t, transfer.Config{Write: transfer.Write{Per: "batch", Batch: 2, Format: "csv", Columns: columns}}).has("E.xml", marcxml(t, 1, 7))
	if err := batches.run(); err != nil {
		t.Fatal(err)
	}
	if got := batches.delivered(); len(got) != 2 || got["E-1.csv"] != "n\n1\n2\n" || got["E-2.csv"] != "n\n5\n6\n" {
		t.Errorf("%q", got)
	}
	long := newBench(t, transfer.Config{Write: transfer.Write{Per: "record", Format: "marc21"}, Change: []transfer.Change{{Set: &transfer.Set{Field: "500$a", Value: `n == 2 ? repeat("x", 10000) : ""`}}}}).has("E.xml", marcxml(t, 1, 3))
	if err := long.run(); err != nil {
		t.Fatal(err)
	}
	if got := long.delivered(); len(got) != 2 {
		t.Errorf("%d files", len(got))
	}
}
