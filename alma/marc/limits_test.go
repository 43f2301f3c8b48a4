package marc_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/marc"
)

func TestALineHasALargestLength(t *testing.T) {
	t.Parallel()
	if marc.MaxRecord != 16<<20 {
		t.Errorf("%d bytes, which docs call 16 MiB", marc.MaxRecord)
	}
	longest := strings.Repeat("x", marc.MaxRecord-1)
	r := marc.NewLineReader(strings.NewReader(longest + "\n" + longest + "y\nlast"))
	if first, err := r.Read(); err != nil || first.Fields[0].Value != longest {
		t.Errorf("the longest line: %v", err)
	}
	var bad *marc.BadRecord
	if _, err := r.Read(); !errors.As(err, &bad) {
		t.Errorf("a line of one byte more: %v", err)
	}
	if number, offset := r.At(); number != 2 || offset != marc.MaxRecord {
		t.Errorf("line %d at %d", number, offset)
	}
	if last, err := r.Read(); err != nil || last.Fields[0].Value != "last" {
		t.Errorf("the line behind it: %v, %v", last, err)
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last: %v", err)
	}
}

func TestBinaryRecordsHaveALargestLength(t *testing.T) {
	t.Parallel()
	field := func(length int) marc.Field { // two indicators, a subfield's mark and code, and the end
		return marc.Field{Tag: "500", Ind1: ' ', Ind2: ' ', Subfields: []marc.Subfield{{Code: 'a', Value: strings.Repeat("x", length-5)}}}
	}
	record := func(last int) marc.Record {
		r := marc.Record{Leader: leader}
		for range 9 {
			r.Fields = append(r.Fields, field(9999))
		}
		r.Fields = append(r.Fields, field(last))
		return r
	}
	const room = 99_999 - 24 - 10*12 - 1 - 9*9999 - 1 // beside leader, directory and the ends
	for name, c := range map[string]struct {
		record marc.Record
		ok     bool
	}{
		"the longest field":     {marc.Record{Leader: leader, Fields: []marc.Field{field(9999)}}, true},
		"a field of one more":   {marc.Record{Leader: leader, Fields: []marc.Field{field(10_000)}}, false},
		"the longest record":    {record(room), true},
		"a record of one more":  {record(room + 1), false},
		"a leader of one less":  {marc.Record{Leader: leader[1:]}, false},
		"a leader of one more":  {marc.Record{Leader: leader + "0"}, false},
		"an indicator of space": {marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "500", Ind1: ' ', Ind2: '~'}}}, true},
		"a control indicator":   {marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "500", Ind1: ' ', Ind2: '\x1f'}}}, false},
		"an indicator of DEL":   {marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "500", Ind1: '\x7f', Ind2: ' '}}}, false},
		"a tag of two":          {marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "50", Ind1: ' ', Ind2: ' '}}}, false},
		"a tag with a space":    {marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "5 0", Ind1: ' ', Ind2: ' '}}}, false},
		"a tag of the last":     {marc.Record{Leader: leader, Fields: []marc.Field{{Tag: "~~~", Ind1: ' ', Ind2: ' '}}}, true},
	} {
		var b bytes.Buffer
		err := marc.NewBinaryWriter(&b).Write(c.record)
		var bad *marc.BadRecord
		if (err == nil) != c.ok || err != nil && !errors.As(err, &bad) || err != nil && b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, b.Len())
		}
		if err != nil {
			continue
		}
		read, err := marc.NewBinaryReader(&b).Read()
		if err != nil || len(read.Fields) != len(c.record.Fields) {
			t.Errorf("%s: read again: %d fields, %v", name, len(read.Fields), err)
		}
	}
}

// TestTheBeginTellsTheFormat reads a line of text as such, and the rest as records, which these are not.
func TestTheBeginTellsTheFormat(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]bool{
		"plain": true, "12345": true, "1234a": true, "12345A": true, "12345{": true, "1234xa": true,
		"12345a": false, "12345z": false, " 12345nam": false, "a\x1eb": false, "<a/>": false, "\xef\xbb\xbf <a/>": false, "": false, " \r\n": false,
	} {
		r, err := marc.NewReader(strings.NewReader(text)).Read()
		if got := err == nil && len(r.Fields) == 1 && r.Fields[0].Tag == marc.LineTag; got != line {
			t.Errorf("%q is read as a line: %t, %v", text, got, err)
		}
	}
}
