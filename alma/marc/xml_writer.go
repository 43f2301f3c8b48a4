package marc

import (
	"encoding/xml"
	"io"
)

// xmlWriter writes MARCXML.
type xmlWriter struct {
	out   io.Writer
	buf   appender
	begun bool
}

// NewXMLWriter writes a MARCXML collection, in the namespace of MARCXML. A record without a leader, such as a line of text, is a
// *BadRecord.
func NewXMLWriter(w io.Writer) Writer { return &xmlWriter{out: w} }

func (x *xmlWriter) Write(r Record) error {
	if err := r.check(); err != nil {
		return &BadRecord{Err: err}
	}
	x.buf = x.buf[:0]
	x.begin()
	x.buf.text("<record>\n<leader>").escaped(r.Leader).text("</leader>\n")
	for _, f := range r.Fields {
		if f.Control() {
			x.buf.text(`<controlfield tag="`).escaped(f.Tag).text(`">`).escaped(f.Value).text("</controlfield>\n")
			continue
		}
		x.buf.text(`<datafield tag="`).escaped(f.Tag).text(`" ind1="`).char(f.Ind1).text(`" ind2="`).char(f.Ind2).text("\">\n")
		for _, s := range f.Subfields {
			x.buf.text(`<subfield code="`).char(s.Code).text(`">`).escaped(s.Value).text("</subfield>\n")
		}
		x.buf.text("</datafield>\n")
	}
	x.buf.text("</record>\n")
	_, err := x.out.Write(x.buf)
	return err
}

func (x *xmlWriter) Close() error {
	x.buf = x.buf[:0]
	x.begin()
	x.buf.text("</collection>\n")
	_, err := x.out.Write(x.buf)
	return err
}

func (x *xmlWriter) begin() {
	if !x.begun {
		x.begun = true
		x.buf.text(xml.Header).text(`<collection xmlns="` + Namespace + "\">\n")
	}
}

// appender is the buffer of one record.
type appender []byte

func (a *appender) text(s string) *appender {
	*a = append(*a, s...)
	return a
}

// Write makes an appender an io.Writer. It never fails.
func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// escaped appends s as XML's character data. Characters that XML cannot hold become U+FFFD.
func (a *appender) escaped(s string) *appender {
	for i := range len(s) {
		if special(s[i]) {
			_ = xml.EscapeText(a, []byte(s)) // an appender never fails
			return a
		}
	}
	return a.text(s)
}

// char appends an indicator or a code.
func (a *appender) char(c byte) *appender {
	if special(c) {
		return a.escaped(string(c))
	}
	*a = append(*a, c)
	return a
}

// special reports whether a byte must be escaped, or is part of a longer character.
func special(c byte) bool {
	return c < ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\''
}
