package marc_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hookline/hookline/alma/marc"
)

// TestAFailedReadIsNoEnd has a source that fails after each number of bytes. Taken for an end, the rest of an export would be missing.
func TestAFailedReadIsNoEnd(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection lost")
	xml := write(t, marc.NewXMLWriter, book("1", "x"))
	for name, c := range map[string]struct {
		whole string
		read  func(io.Reader) marc.Reader
	}{
		"xml":         {strings.Replace(xml, "<record>", "<!-- a > b --><record><![CDATA[>]]>", 1), marc.NewXMLReader},
		"binary":      {write(t, marc.NewBinaryWriter, book("1", "x"), book("2", "y")), marc.NewBinaryReader},
		"lines":       {"one\ntwo\n", marc.NewLineReader},
		"by its form": {xml, marc.NewReader},
	} {
		for length := range len(c.whole) + 1 {
			from := io.MultiReader(strings.NewReader(c.whole[:length]), iotest.ErrReader(lost))
			if _, _, err := all(t, c.read(from)); !errors.Is(err, lost) {
				t.Errorf("%s after %d of %d bytes: %v", name, length, len(c.whole), err)
			}
		}
	}
}

// TestCharactersOfXMLAreEscapedEverywhere writes them at each place of a record.
func TestCharactersOfXMLAreEscapedEverywhere(t *testing.T) {
	t.Parallel()
	for c := byte('!'); c <= '~'; c++ {
		s := string(c)
		want := marc.Record{Leader: leader[:5] + s + leader[6:], Fields: []marc.Field{
			{Tag: "00" + s, Value: s},
			{Tag: s + "45", Ind1: c, Ind2: c, Subfields: []marc.Subfield{{c, s + "x" + s}}},
		}}
		text := write(t, marc.NewXMLWriter, want)
		got, bad, err := all(t, marc.NewXMLReader(strings.NewReader(text)))
		if err != nil || len(bad) > 0 || !same(got, []marc.Record{want}) {
			t.Errorf("%q: %v, %v, %+v of\n%s", s, err, bad, got, text)
		}
	}
}

func TestSetChangesTheFirstOrAddsOne(t *testing.T) {
	t.Parallel()
	f := marc.Field{Tag: "245", Ind1: ' ', Ind2: ' ', Subfields: []marc.Subfield{{'a', "1"}, {'b', "2"}, {'b', "3"}}}
	f.Set('b', "new")
	f.Set('c', "added")
	if want := (marc.Field{Tag: "245", Ind1: ' ', Ind2: ' ', Subfields: []marc.Subfield{{'a', "1"}, {'b', "new"}, {'b', "3"}, {'c', "added"}}}); !sameField(f, want) {
		t.Errorf("%+v", f)
	}
	control := marc.Field{Tag: "001", Value: "old"}
	control.Set(0, "new")
	if control.Value != "new" || control.Subfields != nil || !control.Control() {
		t.Errorf("%+v", control)
	}
}

func sameField(a, b marc.Field) bool {
	return same([]marc.Record{{Leader: leader, Fields: []marc.Field{a}}}, []marc.Record{{Leader: leader, Fields: []marc.Field{b}}})
}

// TestARecordThatNoFormHoldsIsNotWritten has each rule at its edge.
func TestARecordThatNoFormHoldsIsNotWritten(t *testing.T) {
	t.Parallel()
	data := func(ind1, ind2, code byte) marc.Field {
		return marc.Field{Tag: "245", Ind1: ind1, Ind2: ind2, Subfields: []marc.Subfield{{'a', "x"}, {code, "x"}}}
	}
	for name, c := range map[string]struct {
		leader string
		field  marc.Field
		good   bool
	}{
		"good":              {leader, data(' ', '~', '!'), true},
		"last code":         {leader, data('~', ' ', '~'), true},
		"a short leader":    {leader[1:], data(' ', ' ', 'a'), false},
		"a long leader":     {leader + " ", data(' ', ' ', 'a'), false},
		"a first indicator": {leader, data(31, ' ', 'a'), false},
		"a second one":      {leader, data(' ', 127, 'a'), false},
		"a blank code":      {leader, data(' ', ' ', ' '), false},
		"a high code":       {leader, data(' ', ' ', 127), false},
		"a short tag":       {leader, marc.Field{Tag: "01", Value: "x"}, false},
		"a long tag":        {leader, marc.Field{Tag: "0011", Value: "x"}, false},
		"a blank in a tag":  {leader, marc.Field{Tag: "0 1", Value: "x"}, false},
		"a high tag":        {leader, marc.Field{Tag: "00\x7f", Value: "x"}, false},
	} {
		for form, make := range map[string]func(io.Writer) marc.Writer{"xml": marc.NewXMLWriter, "binary": marc.NewBinaryWriter} {
			var out strings.Builder
			err := make(&out).Write(marc.Record{Leader: c.leader, Fields: []marc.Field{{Tag: "001", Value: "1"}, c.field}})
			var bad *marc.BadRecord
			if (err == nil) != c.good || err != nil && !errors.As(err, &bad) || !c.good && out.Len() > 0 {
				t.Errorf("%s, %s: %v, and %d bytes", name, form, err, out.Len())
			}
		}
	}
}
