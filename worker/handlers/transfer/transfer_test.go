package transfer_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/hookline/hookline/pkg/marc"
	"github.com/hookline/hookline/worker/handlers/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheFilesOfAnExportAreFoundByItsEvent(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"by type":        jobEnd("5", "c.jobs.bibExport.link", "E"),
		"by description": `{"job_instance":{"id":"5","counter":[{"type":{"value":"","desc":"Link to Exported records"},"value":"E"}]}}`,
		"XML":            `<webhook><id>5</id><job_instance><id>5</id><counter><type desc="Link to Exported records">c.jobs.bibExport.link</type><value>E</value></counter></job_instance></webhook>`,
		"XML, wrapped":   `<webhook><job_instance><id>5</id><counters><counter><type desc="x">c.jobs.bibExport.link</type><value>E</value></counter></counters></job_instance></webhook>`,
	} {
		b := newBench(t, transfer.Config{})
		for _, other := range []string{"E2_1.xml", "xE_1.xml", "E_1", "E_x.xml", ".E.xml.AAAA.part"} {
			b.has(other, marcxml(t, 900, 900))
		}
		_ = os.Remove(filepath.Join(b.in, "E_1"))
		b.has("E_10.xml", marcxml(t, 10, 10)).has("E_1.xml", marcxml(t, 1, 3)).has("E_2.xml", marcxml(t, 4, 4))
		if err := b.handle(body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := b.delivered()
		if len(got) != 3 || len(ids(t, got["E_1.xml"])) != 3 || ids(t, got["E_10.xml"])[0] != "990000000010" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheFilesOfAPublishingJobAreFoundByItsID(t *testing.T) {
	t.Parallel()
	b := newBench(t, transfer.Config{Find: transfer.Find{Files: "publishing"}})
	for _, name := range []string{
		"fulldump_5_20201218_211210[050]_new_1.tar.gz", "fulldump_5_20201218_211210[050]_new_2.tar.gz", "bib_search_2022021017_5_new.tar.gz",
		"incremental_5_20210208_200239[040]_delete.xml.tar.gz", "a_20230815_220844[016]_5_update_3.tar.gz",
	} {
		b.has(name, archive(t, strings.TrimSuffix(name, ".tar.gz")+".xml", marcxml(t, 1, 2)))
	}
	for _, other := range []string{"fulldump_55_20201218_new.tar.gz", "fulldump_5_20201218_old.tar.gz", "fulldump_20201218_211210[050]_new.tar.gz"} {
		b.has(other, "not ours")
	}
	if err := b.handle(jobEnd("5", "label.new.records", "2")); err != nil {
		t.Fatal(err)
	}
	if got := b.delivered(); len(got) != 5 || len(ids(t, got["fulldump_5_20201218_211210[050]_new_2.xml"])) != 2 {
		t.Errorf("%v", got)
	}
}

func TestWhatIsNotThereYetIsTriedAgainAndAnEventWithoutFilesIsNot(t *testing.T) {
	t.Parallel()
	for want, body := range map[string]string{
		"has no counter": jobEnd("5", "other", "E"), "no job_instance.id": `{"item_loan":{}}`, "cannot be read": `[`,
		"longer than 255 bytes": jobEnd("5", "c.jobs.bibExport.link", strings.Repeat("x", 256)),
	} {
		b := newBench(t, transfer.Config{}).has("E_1.xml", marcxml(t, 1, 1))
		b.fails(b.handle(body), true, want)
	}
	b := newBench(t, transfer.Config{})
	b.fails(b.run(), false, "no file of job 5 is there yet")
	b = newBench(t, transfer.Config{Find: transfer.Find{Dir: "later"}})
	b.fails(b.run(), false, "not there (yet)")
	whole := marcxml(t, 1, 100)
	packed := archive(t, "E.xml", whole)
	for _, partial := range []string{whole[:len(whole)/2], packed[:len(packed)/2], packed[:len(packed)-4], "", "<html>Log in</html>", archive(t), "\x1f\x8b not gzip"} {
		b := newBench(t, transfer.Config{}).has("E_1.xml", partial)
		b.fails(b.run(), false, "is cut off, damaged or something else")
	}
	b = newBench(t, transfer.Config{Read: "bytes"}).has("E_1.tar.gz", packed[:len(packed)-4])
	b.fails(b.run(), false, "EOF")
}

func TestRecordsAreChosenAndChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t, transfer.Config{
		Where: `n % 2 == 0 and has("245") and "Two" in fields("650$a") and job == "5" and file == "E_1.xml" and leader startsWith "00"`,
		Change: []transfer.Change{
			{Keep: []string{"00X", "035", "245", "650$a"}},
			{Drop: []string{"008", "245$c"}},
			{Rename: &transfer.Rename{From: "035", To: "935"}},
			{Rename: &transfer.Rename{From: "245$a", To: "245$b"}},
			{Set: &transfer.Set{Field: "001", Value: `"alma" + field("001")`}},
			{Set: &transfer.Set{Field: "999$z", Value: `string(n) + " " + field("245$b")`}},
			{Set: &transfer.Set{Field: "998$z", Value: `field("777")`}},
		},
	})
	b.has("E_1.xml", marcxml(t, 1, 3))
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	var got marc.Record
	got, err := marc.NewReader(strings.NewReader(b.delivered()["E_1.xml"])).Read()
	want := "[{001 alma990000000002 0 0 []} {935  32 32 [{97 (EXL)2}]} {245  49 48 [{98 Title & 2}]} {650  32 48 [{97 One}]} {650  32 48 [{97 Two}]} {999  32 32 [{122 2 Title & 2}]}]"
	if err != nil || fmt.Sprint(got.Fields) != want {
		t.Errorf("%v\n%v\nwant\n%v", err, got.Fields, want)
	}
	if n, err := testutil.GatherAndCount(b.metrics); err != nil || n != 8 {
		t.Errorf("%d series: %v", n, err)
	}
}

func TestFormatsAndPortions(t *testing.T) {
	t.Parallel()
	columns := []transfer.Column{{Name: "id", Value: `field("001")`}, {Name: "subjects", Value: `fields("650$a")`}, {Name: "none", Value: `field("777")`}}
	for name, c := range map[string]struct {
		write transfer.Write
		want  []string // names
		text  string   // that the first of them contains
	}{
		"whole":              {transfer.Write{}, []string{"E_1.xml"}, "<subfield code=\"a\">Title &amp; 1</subfield>"},
		"each":               {transfer.Write{Per: "record"}, []string{"E_1-1.xml", "E_1-2.xml", "E_1-3.xml", "E_1-4.xml", "E_1-5.xml"}, "<collection"},
		"by ID":              {transfer.Write{Per: "record", Format: "marc21", Path: "{job}/{file}/{id}{ext}"}, []string{"5/E_1/990000000001.mrc", "5/E_1/990000000002.mrc", "5/E_1/990000000003.mrc", "5/E_1/990000000004.mrc", "5/E_1/990000000005.mrc"}, "\x1d"},
		"batches, JSON":      {transfer.Write{Per: "batch", Batch: 2, Format: "json"}, []string{"E_1-1.json", "E_1-2.json", "E_1-3.json"}, `[{"leader":`},
		"batches that fit":   {transfer.Write{Per: "batch", Batch: 5, Format: "ndjson"}, []string{"E_1-1.ndjson"}, "}\n{"},
		"CSV":                {transfer.Write{Format: "csv", Columns: columns}, []string{"E_1.csv"}, "id,subjects,none\n990000000001,One | Two,\n"},
		"under another name": {transfer.Write{Path: "latest/{file}"}, []string{"latest/E_1"}, "<collection"},
	} {
		b := newBench(t, transfer.Config{Write: c.write}).has("E_1.xml", marcxml(t, 1, 5))
		for range 2 { // a repeat changes nothing
			if err := b.run(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		got := b.delivered()
		names := []string{}
		for name := range got {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, c.want) || !strings.Contains(got[c.want[0]], c.text) {
			t.Errorf("%s: %v\n%.300s", name, names, got[c.want[0]])
		}
	}
}

func TestWhateverItIsPackedIn(t *testing.T) {
	t.Parallel()
	one, two := marcxml(t, 1, 2), written(t, marc.NewBinaryWriter, 3, 4)
	for name, text := range map[string]string{
		"E.xml": one + "\n", "E.mrc": written(t, marc.NewBinaryWriter, 1, 4),
		"E.tar.gz":     archive(t, "a.xml", one, "b.mrc", two),
		"E_1.xml":      strings.Replace(one, "UTF-8", "UTF-16", 1),
		"E_1.mrc":      two,
		"E_1.tar.gz":   archive(t, "../../etc/passwd", one, "/etc/cron.d/x", two, "link", "-> /etc/passwd", "link/x.xml", one),
		"E_1.xml.gz":   archive(t, "x", one),
		"E.txt.tar.gz": archive(t, "none.xml", "<collection/>"),
	} {
		b := newBench(t, transfer.Config{}).has(name, text)
		if err := b.run(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := b.delivered()
		for delivered, text := range got {
			if len(got) != 1 || strings.Contains(delivered, "/") || xml.Unmarshal([]byte(text), new(struct{})) != nil {
				t.Errorf("%s: %s: %.100s", name, delivered, text)
			}
		}
	}
	b := newBench(t, transfer.Config{Write: transfer.Write{Format: "lines"}, Where: `field("LIN") != ""`}).has("E.txt", "one\r\n\ntwo\n")
	if err := b.run(); err != nil || b.delivered()["E.txt"] != "one\ntwo\n" {
		t.Errorf("%v, %q", err, b.delivered())
	}
	b = newBench(t, transfer.Config{Read: "bytes"}).has("E.tar.gz", archive(t, "x", "<any>\x00"))
	if err := b.run(); err != nil || b.delivered()["E"] != "<any>\x00" {
		t.Errorf("%v, %q", err, b.delivered())
	}
	b = newBench(t, transfer.Config{}).has("E.zip", "PK\x03\x04...")
	b.fails(b.run(), true, "have it packed as .tar.gz")
	b = newBench(t, transfer.Config{MaxBytes: 1 << 20}).has("E.tar.gz", archive(t, "bomb.xml", strings.Repeat(" ", 8<<20)))
	b.fails(b.run(), true, "max_bytes, 1048576")
	b = newBench(t, transfer.Config{}).has("E.xml", one).has("E.mrc", two)
	b.fails(b.run(), true, "called E but for their extensions")
}

// sparse is what `truncate -s 64M bomb.xml && tar --sparse --format=posix -czf` makes: an archive of 298 bytes, 2 KiB unpacked, with a file of 64 MiB.
const sparse = "H4sIAAAAAAAAA+3U3U6DMBQHcK77FDxBOf2AQjK8VK+MifEButkLFqAGMCE+vWXJlg113pDp4v93UziHhsLpKU8e7Xjv7Ivr+mTtmzUfmzpaFgWZ1rsxmI8kjYlEqoh0ZsQUF8JoiuJx4XV86a0fbBeWcol3/UFSxncPz7x/tV3veGO3visFm0WrNkSJyfw42trGlfsdw9TJjM7Zuq/eXTkVNM8zzWQRN0MVZghTpEoKTTkvjFC5JDkl7adkmh6Sm29n/vbvu3o8CWV72lXttqodVyQLtfBBcL7/hZiuT/s/NVJH8UV6ct//nffDued+ys8/7kpIRkxTkbFDpxKa6h9ZbXxdu3DA+vZmlRzdYBcAAAAAAAAAAAAAAAAAAABcjQ9Q2xm8ACgAAA=="

func TestAnArchiveIsHeldToWhatItSaysAndHolds(t *testing.T) {
	t.Parallel()
	bomb, err := base64.StdEncoding.DecodeString(sparse)
	if err != nil {
		t.Fatal(err)
	}
	one := marcxml(t, 1, 2)
	for _, read := range []string{"", "bytes"} {
		b := newBench(t, transfer.Config{Read: read, MaxBytes: 1 << 20}).has("E.tar.gz", string(bomb))
		b.fails(b.run(), true, "max_bytes, 1048576")
		b = newBench(t, transfer.Config{Read: read}).has("E.tar.gz", archive(t, "link", "-> /etc/passwd"))
		b.fails(b.run(), false, "holds no file")
		b = newBench(t, transfer.Config{Read: read}).has("E.tar.gz", archive(t))
		b.fails(b.run(), false, "holds no file")
	}
	for _, read := range []string{"", "bytes", "lines", "marc21", "marcxml"} {
		b := newBench(t, transfer.Config{Read: read}).has("E.xml", "")
		b.fails(b.run(), false, "is cut off, damaged or something else")
	}
	b := newBench(t, transfer.Config{Read: "bytes"}).has("E.tar.gz", archive(t, "a.xml", one, "b.xml", one))
	b.fails(b.run(), true, "b.xml: read: bytes delivers one file")
}

func TestAStylesheetIsGivenNothingUnread(t *testing.T) {
	t.Parallel()
	_, err := transfer.New(transfer.Config{Read: "bytes", Through: transfer.Through{XSLT: "x.xsl"}}, nil, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "through.xslt: needs records") {
		t.Error(err)
	}
}

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
	many.fails(many.run(), true, "all 50 records are bad; the first: record 1 at byte 52: the expression has no answer (1:1)")
	if text := fmt.Sprint(many.logs.All()[0].ContextMap()["error"]); !strings.Contains(text, "no answer (1:1)") || strings.Contains(text, "Title") {
		t.Error(text)
	}
	if n := many.logs.FilterMessage("bad record").Len(); n != 20 || len(many.delivered()) != 0 {
		t.Errorf("%d reports", n)
	}
	second := newBench(t, transfer.Config{Where: `job == "5" and (n != 5 or int(field("245$a")) > 0)`}).has("E.tar.gz", archive(t, "a.xml", marcxml(t, 1, 3), "b.mrc", written(t, marc.NewBinaryWriter, 4, 6)))
	if err := second.run(); err != nil {
		t.Fatal(err)
	}
	want = fmt.Sprintf("b.mrc: record 2 at byte %d: the expression has no answer", len(written(t, marc.NewBinaryWriter, 4, 4)))
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

func TestWhatIsThereIsLeftWhereAskedFor(t *testing.T) {
	t.Parallel()
	for per, portion := range map[string]int{"file": 0, "batch": 2} {
		b := newBench(t, transfer.Config{Write: transfer.Write{Per: per, Batch: portion, Path: "{job}/{file}-{n}{ext}", Existing: "skip"}}).has("E.xml", marcxml(t, 1, 4))
		if err := os.MkdirAll(filepath.Join(b.out, "5"), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.out, "5", "E-1.xml"), []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.run(); err != nil {
			t.Fatal(err)
		}
		if got := b.delivered(); got["5/E-1.xml"] != "kept" || per == "batch" && len(ids(t, got["5/E-2.xml"])) != 2 {
			t.Errorf("%s: %v", per, got)
		}
		if err := b.handler.Again(t.Context(), transfer.Job{ID: "5", Link: "E"}); err != nil {
			t.Fatal(err)
		}
		if got := b.delivered(); len(ids(t, got["5/E-1.xml"])) < 2 {
			t.Errorf("%s again: %v", per, got)
		}
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := transfer.New(transfer.Config{
		Find: transfer.Find{Files: `.*\.xml`, Dir: "../x"}, Read: "pdf", Where: "nonsense(", BadRecords: "drop", MaxBytes: -1,
		Change:  []transfer.Change{{}, {Keep: []string{"24"}}, {Rename: &transfer.Rename{From: "245$a", To: "999$a"}}, {Set: &transfer.Set{Field: "245", Value: "1 +"}}, {Set: &transfer.Set{Field: "999$a", Value: `trim(field("24"))`}}},
		Write:   transfer.Write{Per: "batch", Format: "csv", Path: "../{file}/{date}", Existing: "skip"},
		Through: transfer.Through{XSLT: "x", Command: []string{"y"}},
	}, nil, nil, nil)
	for _, want := range []string{
		"from: needs exactly one of", "to: needs exactly one of", "find.files: must contain {job} or {link}", `read: "pdf"`, "where: ", `bad_records: "drop"`, "max_bytes",
		"change.0: needs exactly one of", `change.1: "24" names no field`, "change.2: rename", `change.3: set.field: "245" is neither`, `change.4: set.value: "24" names no field`,
		"write.columns: csv needs", "no placeholder {date}", `begins with "."`, "must contain {n}", "skip needs {job}", "through: give xslt or command",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
