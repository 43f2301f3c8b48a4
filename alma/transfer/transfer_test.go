package transfer_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/hookline/hookline/alma/marc"
	"github.com/hookline/hookline/alma/transfer"
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

func TestMissingFilesAreRetriedAndEventsWithoutFilesFail(t *testing.T) {
	t.Parallel()
	for want, body := range map[string]string{
		"has no counter": jobEnd("5", "other", "E"), "no job_instance.id": `{"item_loan":{}}`, "cannot be read": `[`,
		"longer than 255 bytes": jobEnd("5", "c.jobs.bibExport.link", strings.Repeat("x", 256)),
	} {
		b := newBench(t, transfer.Config{}).has("E_1.xml", marcxml(t, 1, 1))
		b.fails(b.handle(body), true, want)
	}
	b := newBench(t, transfer.Config{})
	b.fails(b.run(), false, "job 5 has no file yet")
	b = newBench(t, transfer.Config{Find: transfer.Find{Dir: "later"}})
	b.fails(b.run(), false, "does not exist (yet)")
	whole := marcxml(t, 1, 100)
	packed := archive(t, "E.xml", whole)
	for _, partial := range []string{whole[:len(whole)/2], packed[:len(packed)/2], packed[:len(packed)-4], "", "<html>Log in</html>", archive(t), "\x1f\x8b not gzip"} {
		b := newBench(t, transfer.Config{}).has("E_1.xml", partial)
		b.fails(b.run(), false, "is cut off, damaged or of another format")
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

func TestArchiveAndCompressionFormats(t *testing.T) {
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
	b.fails(b.run(), true, "called E with different extensions")
}

func TestExistingFilesAreSkipped(t *testing.T) {
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
