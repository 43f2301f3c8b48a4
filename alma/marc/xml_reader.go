package marc

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// Namespace is the namespace of MARCXML (loc.gov/standards/marcxml). Alma's exports omit it.
const Namespace = "http://www.loc.gov/MARC21/slim"

// xmlReader reads MARCXML.
type xmlReader struct {
	split  xmlSplitter
	number int
}

// NewXMLReader reads the record elements of a MARCXML file, within any other elements, in any namespace or none. It detects UTF-16
// by its byte order mark. It reads all other files as UTF-8, even if they declare UTF-16, as Alma's do. A
// file that ends too early gives an io.ErrUnexpectedEOF. An empty file, or one of another kind, gives an ErrNoMARC.
func NewXMLReader(r io.Reader) Reader {
	return &xmlReader{split: xmlSplitter{in: bufio.NewReaderSize(decoded(r), 64<<10)}}
}

// decoded returns r in UTF-8 without a byte order mark.
func decoded(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	mark, _ := in.Peek(3)
	switch {
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(in)
	case bytes.Equal(mark, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3)
	}
	return in
}

func (x *xmlReader) Read() (Record, error) {
	element, err := x.split.next()
	if err == io.EOF && x.number == 0 && x.split.root != "collection" { //nolint:errorlint // a wrapped one is not the end
		return Record{}, fmt.Errorf("%w: it has %d bytes, and its outermost element is %q", ErrNoMARC, x.split.offset, x.split.root)
	}
	if err != nil && !errors.Is(err, errNested) && !errors.Is(err, errTooLong) {
		return Record{}, err
	}
	x.number++
	var r Record
	if err == nil {
		r, err = parseXML(element)
	}
	if err != nil {
		return Record{}, &BadRecord{x.number, x.split.begin, err}
	}
	return r, nil
}

func (x *xmlReader) At() (number int, offset int64) { return x.number, x.split.begin }

// parseXML parses one record element.
func parseXML(element []byte) (Record, error) {
	p := xmlParser{in: xml.NewDecoder(bytes.NewReader(element))}
	for {
		token, err := p.in.RawToken()
		switch {
		case errors.Is(err, io.EOF) && len(p.path) > 0:
			return Record{}, fmt.Errorf("element %s is not closed", p.path[len(p.path)-1])
		case errors.Is(err, io.EOF):
			return p.record, p.record.check()
		case err != nil:
			return Record{}, notWellFormed(err)
		}
		if err := p.take(token); err != nil {
			return Record{}, err
		}
	}
}

// notWellFormed strips the parser's line number, which counts within the record.
func notWellFormed(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("is not well-formed: %s", syntax.Msg)
	}
	return err
}

type xmlParser struct {
	in     *xml.Decoder
	path   []string // local names of the open elements
	text   strings.Builder
	record Record
	field  Field
	code   byte
}

func (p *xmlParser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		p.text.Reset()
		p.path = append(p.path, t.Name.Local)
		return p.begin(t)
	case xml.CharData:
		p.text.Write(t)
	case xml.EndElement:
		if len(p.path) == 0 || p.path[len(p.path)-1] != t.Name.Local {
			return fmt.Errorf("is not well-formed: </%s> closes nothing", t.Name.Local)
		}
		p.path = p.path[:len(p.path)-1]
		p.finish(t.Name.Local)
	}
	return nil
}

func (p *xmlParser) begin(e xml.StartElement) error {
	if len(p.path) > 1 && slices.Contains([]string{"leader", "controlfield", "subfield"}, p.path[len(p.path)-2]) {
		return fmt.Errorf("a %s, which holds text only, contains an element", p.path[len(p.path)-2])
	}
	switch e.Name.Local {
	case "controlfield":
		p.field = Field{Tag: attr(e, "tag")}
	case "datafield":
		p.field = Field{Tag: attr(e, "tag"), Ind1: char(attr(e, "ind1"), ' '), Ind2: char(attr(e, "ind2"), ' ')}
	case "subfield":
		p.code = char(attr(e, "code"), 0)
		if len(p.path) < 2 || p.path[len(p.path)-2] != "datafield" {
			return errors.New("a subfield is outside a datafield")
		}
	}
	return nil
}

func (p *xmlParser) finish(name string) {
	switch name {
	case "leader":
		p.record.Leader = p.text.String()
	case "controlfield":
		p.field.Value = p.text.String()
		p.record.Fields = append(p.record.Fields, p.field)
	case "subfield":
		p.field.Subfields = append(p.field.Subfields, Subfield{p.code, p.text.String()})
	case "datafield":
		p.record.Fields = append(p.record.Fields, p.field)
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// char returns the only character of s. It returns missing if s is empty, and 1, which is never valid, if s is longer.
func char(s string, missing byte) byte {
	switch len(s) {
	case 0:
		return missing
	case 1:
		return s[0]
	}
	return 1
}
