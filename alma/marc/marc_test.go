package marc_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/hookline/hookline/alma/marc"
)

const leader = "00000nam a2200000 a 4500"

func book(id, title string) marc.Record {
	return marc.Record{Leader: leader, Fields: []marc.Field{
		{Tag: "001", Value: id},
		{Tag: "008", Value: "850423s1984    xxu           000 0 eng d"},
		{Tag: "245", Ind1: '1', Ind2: '0', Subfields: []marc.Subfield{{'a', title}, {'c', `R & D <"it's"> é 漢 😀`}}},
		{Tag: "650", Ind1: ' ', Ind2: '0', Subfields: []marc.Subfield{{'a', "Grüße"}, {'a', ""}}},
	}}
}

// all reads everything; bad records are in bad.
func all(t *testing.T, r marc.Reader) (records []marc.Record, bad []*marc.BadRecord, err error) {
	t.Helper()
	for {
		record, err := r.Read()
		var b *marc.BadRecord
		switch {
		case errors.As(err, &b):
			bad = append(bad, b)
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return records, bad, nil
		case err != nil:
			return records, bad, err
		default:
			records = append(records, record)
		}
	}
}

func write(t *testing.T, make func(io.Writer) marc.Writer, records ...marc.Record) string {
	t.Helper()
	var out bytes.Buffer
	w := make(&out)
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// same compares without the lengths in the leader.
func same(a, b []marc.Record) bool {
	strip := func(in []marc.Record) (out []marc.Record) {
		for _, r := range in {
			r.Leader = "00000" + r.Leader[5:12] + "00000" + r.Leader[17:]
			out = append(out, r)
		}
		return out
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

func TestRecordsSurviveWriteAndRead(t *testing.T) {
	t.Parallel()
	records := []marc.Record{book("1", "First"), book("2", ""), book("3", strings.Repeat("long ", 1500))}
	for name, make := range map[string]func(io.Writer) marc.Writer{"xml": marc.NewXMLWriter, "binary": marc.NewBinaryWriter} {
		text := write(t, make, records...)
		got, bad, err := all(t, marc.NewReader(strings.NewReader(text)))
		if err != nil || len(bad) > 0 || !same(got, records) {
			t.Errorf("%s: %v, %v, %+v of\n%.1000s", name, err, bad, got, text)
		}
	}
}

func TestXMLIsReadInAnyShape(t *testing.T) {
	t.Parallel()
	want := []marc.Record{{Leader: leader, Fields: []marc.Field{
		{Tag: "001", Value: "1"}, {Tag: "245", Ind1: '1', Ind2: ' ', Subfields: []marc.Subfield{{'a', "a & b > c"}}}}}}
	plain := `<collection><record><leader>` + leader + `</leader><controlfield tag="001">1</controlfield><datafield ind2=" " ind1="1" tag="245"><subfield code="a">a &amp; b &gt; c</subfield></datafield></record></collection>`
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(plain)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"without namespace": plain,
		"with namespace":    strings.Replace(plain, "<collection>", `<collection xmlns="`+marc.Namespace+`">`, 1),
		"with prefix":       prefixed(plain),
		"declares UTF-16":   `<?xml version="1.0" encoding="UTF-16"?>` + plain,
		"is UTF-16":         utf16,
		"byte order mark":   "\xef\xbb\xbf" + plain,
		"a record alone":    strings.NewReplacer("<collection>", "", "</collection>", "").Replace(plain),
		"CDATA":             strings.Replace(plain, "a &amp; b &gt; c", "<![CDATA[a & b > c]]>", 1),
		"comments":          strings.Replace(plain, "<record>", "<!-- <record> --><record><!-- </record> -->", 1),
		"> in a value":      strings.Replace(plain, `tag="001"`, `x="a>b" tag="001"`, 1),
		"single quotes":     strings.ReplaceAll(plain, `"`, `'`),
		"line ends":         strings.ReplaceAll(plain, "><", ">\r\n\t<"),
		"wrapped":           `<OAI><ListRecords>` + plain + `</ListRecords><records/></OAI>`,
	} {
		got, bad, err := all(t, marc.NewReader(strings.NewReader(text)))
		if err != nil || len(bad) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, %+v", name, err, bad, got)
		}
	}
}

func prefixed(text string) string {
	text = strings.ReplaceAll(text, "</", "\x00")
	return strings.NewReplacer("\x00", "</m:", "<", "<m:").Replace(text)
}

func TestABadRecordIsNamedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	good := func(id string) string {
		return `<record><leader>` + leader + `</leader><controlfield tag="001">` + id + `</controlfield></record>`
	}
	for name, bad := range map[string]string{
		"is not well-formed":    `<record><leader>x</laeder></record>`,
		"closes nothing":        `<record><leader>` + leader + `</leader></a></record>`,
		"leader has":            `<record><leader>short</leader></record>`,
		"a field's tag":         `<record><leader>` + leader + `</leader><controlfield>x</controlfield></record>`,
		"indicator":             `<record><leader>` + leader + `</leader><datafield tag="245" ind1="12" ind2=" "/></record>`,
		"code":                  `<record><leader>` + leader + `</leader><datafield tag="245"><subfield>x</subfield></datafield></record>`,
		"invalid UTF-8":         "<record><leader>\xff</leader></record>",
		"entity":                `<record><leader>&nbsp;</leader></record>`,
		"before this one":       `<record><leader>`,
		"inside a subfield":     `<record><leader>` + leader + `</leader><datafield tag="245"><subfield code="a">x<b>y</b>z</subfield></datafield></record>`,
		"inside a leader":       `<record><leader><b/>` + leader + `</leader></record>`,
		"outside a datafield":   `<record><leader>` + leader + `</leader><subfield code="a">x</subfield></record>`,
		"leader has 0":          `<record/>`,
		"is longer than":        `<record><leader>` + strings.Repeat("x", marc.MaxRecord+1) + `</leader></record>`,
		"element leader is not": `<record><leader></record>`,
	} {
		text := "<collection>" + good("1") + bad + good("3") + "</collection>"
		got, reports, err := all(t, marc.NewXMLReader(strings.NewReader(text)))
		if err != nil || len(got) != 2 || got[1].ID() != "3" || len(reports) != 1 {
			t.Errorf("%s: %v, %v, %d records", name, err, reports, len(got))
			continue
		}
		if r := reports[0]; r.Number != 2 || r.Offset != int64(len("<collection>"+good("1"))) {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestABadBinaryRecordIsNamedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	one := write(t, marc.NewBinaryWriter, book("1", "x"))
	for name, bad := range map[string]string{
		"the leader says":          "00042" + one[5:],
		"fewer than a leader":      "00007\x1d",
		"where the directory":      one[:12] + "00099" + one[17:],
		"points to no field":       one[:24+3] + "9999" + one[24+7:],
		"points to several":        one[:24+3] + "0043" + one[24+7:],
		"invalid UTF-8":            strings.Replace(one, "é", "\xff\xff", 1),
		"MARC-8":                   strings.Replace(one[:9]+" "+one[10:], "é", "\xff\xff", 1),
		"says \"abcde\"":           "abcde" + one[5:],
		"is longer than":           strings.Repeat("x", marc.MaxRecord+1) + "\x1d",
		"a field's tag is":         one[:24] + "\x01\x02\x03" + one[27:],
		"lacks its two indicators": strings.Replace(one, "10\x1fa", "1\x1faa", 1),
	} {
		got, reports, err := all(t, marc.NewBinaryReader(strings.NewReader(one+"\r\n"+bad+one)))
		if err != nil || len(got) != 2 || len(reports) != 1 || reports[0].Number != 2 || reports[0].Offset != int64(len(one)+2) || !strings.Contains(reports[0].Error(), name) {
			t.Errorf("%s: %v, %v, %d records", name, err, reports, len(got))
		}
	}
}

func TestBinaryIsKnownThoughItsFirstRecordIsBad(t *testing.T) {
	t.Parallel()
	one := write(t, marc.NewBinaryWriter, book("1", "x"))
	for _, bad := range []string{"abcde" + one[5:], "\r\n     " + one[5:], "00042X" + one[6:]} {
		got, reports, err := all(t, marc.NewReader(strings.NewReader(bad+one)))
		if err != nil || len(got) != 1 || got[0].ID() != "1" || len(reports) != 1 || reports[0].Number != 1 {
			t.Errorf("%.10q: %v, %v, %+v", bad, err, reports, got)
		}
	}
}

func TestLineFieldIsNotWrittenAsRecord(t *testing.T) {
	t.Parallel()
	var bad *marc.BadRecord
	line := marc.Record{Fields: []marc.Field{{Tag: marc.LineTag, Value: "x"}}}
	for name, make := range map[string]func(io.Writer) marc.Writer{"xml": marc.NewXMLWriter, "binary": marc.NewBinaryWriter} {
		var out bytes.Buffer
		if err := make(&out).Write(line); !errors.As(err, &bad) || out.Len() > 0 {
			t.Errorf("%s: %v, %q", name, err, &out)
		}
	}
}

func TestRecordTooLargeForBinaryIsABadRecord(t *testing.T) {
	t.Parallel()
	var bad *marc.BadRecord
	long := book("1", strings.Repeat("x", 9990))
	for range 11 {
		long.Fields = append(long.Fields, marc.Field{Tag: "500", Ind1: ' ', Ind2: ' ', Subfields: []marc.Subfield{{'a', strings.Repeat("x", 9000)}}})
	}
	for _, r := range []marc.Record{book("1", strings.Repeat("x", 10_000)), long, {Leader: "short"}} {
		var out bytes.Buffer
		if err := marc.NewBinaryWriter(&out).Write(r); !errors.As(err, &bad) || out.Len() > 0 {
			t.Errorf("%v, %d bytes", err, out.Len())
		}
	}
	separators := book("1", "a\x1db\x1ec\x1fd")
	got, _, err := all(t, marc.NewReader(strings.NewReader(write(t, marc.NewBinaryWriter, separators))))
	if err != nil || got[0].Fields[2].Subfields[0].Value != "a b c d" {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "001", Value: "\"\\\n\xff"}, {Tag: "245", Ind1: '1', Ind2: ' ', Subfields: []marc.Subfield{{'a', "é"}, {'b', "<&>"}}}}}
	one := `{"leader":"` + leader + `","fields":[{"001":"\"\\\u000a` + "\ufffd" + `"},{"245":{"ind1":"1","ind2":" ","subfields":[{"a":"é"},{"b":"<&>"}]}}]}` + "\n"
	for _, c := range []struct{ got, want string }{
		{write(t, marc.NewJSONLinesWriter, r, r), one + one},
		{write(t, marc.NewJSONWriter, r, r), "[" + one + "," + one + "]\n"},
		{write(t, marc.NewJSONWriter), "[]\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s\nwant\n%s", c.got, c.want)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	got, _, err := all(t, marc.NewReader(strings.NewReader("one\r\n\ntwo 2\nthree")))
	if err != nil || fmt.Sprint(len(got), got[0].Fields, got[3].Fields[0].Value) != "4 [{LIN one 0 0 []}]three" {
		t.Errorf("%v %+v", err, got)
	}
	if text := write(t, marc.NewLineWriter, got...); text != "one\n\ntwo 2\nthree\n" {
		t.Errorf("%q", text)
	}
	if got, bads, err := all(t, marc.NewLineReader(strings.NewReader("one\n\xff\nthree"))); err != nil || len(got) != 2 || len(bads) != 1 {
		t.Errorf("%v %v %+v", err, bads, got)
	}
	var bad *marc.BadRecord
	if err := marc.NewLineWriter(io.Discard).Write(book("1", "x")); !errors.As(err, &bad) {
		t.Error(err)
	}
}

func TestAFileThatIsSomethingElseIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"": marc.ErrNoMARC, " \n": marc.ErrNoMARC, "<!DOCTYPE html><html><br/></html>": marc.ErrNoMARC,
		"<?xml version='1.0'?><collection/>": nil, "<marc:collection xmlns:marc='x'></marc:collection>": nil,
	} {
		if got, bads, err := all(t, marc.NewReader(strings.NewReader(text))); !errors.Is(err, want) || len(got)+len(bads) > 0 {
			t.Errorf("%q: %v %v %v", text, got, bads, err)
		}
	}
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	r := book("1", "Title")
	for text, want := range map[string]string{
		"001": "[1]", "245$a": "[Title]", "245$z": "[]", "650$a": "[Grüße ]", "6XX": "[Grüße ]", "XXX$a": "[Title Grüße ]", "999": "[]",
	} {
		s, err := marc.ParseSelector(text)
		if err != nil || fmt.Sprint(s.Values(r)) != want {
			t.Errorf("%s: %v, %v", text, s.Values(r), err)
		}
	}
	for text, want := range map[string]bool{"245": true, "6XX": false, "XXX$a": false, "00X": false} {
		s, err := marc.ParseSelector(text)
		if tag, exact := s.Tag(); err != nil || exact != want || tag != text[:3] {
			t.Errorf("%s: tag %s, exact %v, %v", text, tag, exact, err)
		}
		for _, other := range []string{"", "24", "2455", "6", "6500"} {
			if s.Matches(other) {
				t.Errorf("%s selects %q", text, other)
			}
		}
	}
	for _, bad := range []string{"", "24", "2455", "245$", "245$ab", "245 a", "é45"} {
		if _, err := marc.ParseSelector(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
