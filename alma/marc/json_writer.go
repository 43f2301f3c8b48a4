package marc

import (
	"io"
	"unicode/utf8"
)

// jsonWriter writes MARC-in-JSON.
type jsonWriter struct {
	out    io.Writer
	buf    appender
	before string // text before the next record
	after  string // end of the file
	empty  string // beginning of a file without records
}

// NewJSONWriter writes one JSON array of MARC-in-JSON objects.
func NewJSONWriter(w io.Writer) Writer {
	return &jsonWriter{out: w, before: "[", after: "]\n", empty: "["}
}

// NewJSONLinesWriter writes one MARC-in-JSON object a line (NDJSON).
func NewJSONLinesWriter(w io.Writer) Writer { return &jsonWriter{out: w} }

func (j *jsonWriter) Write(r Record) error {
	j.buf = j.buf[:0]
	j.buf.text(j.before).record(r).text("\n")
	if j.before != "" {
		j.before, j.empty = ",", ""
	}
	_, err := j.out.Write(j.buf)
	return err
}

func (j *jsonWriter) Close() error {
	_, err := io.WriteString(j.out, j.empty+j.after)
	return err
}

// record appends r in the form of MARC-in-JSON (Ross Singer's proposal of 2010, which pymarc, ruby-marc and marc4j
// read): {"leader":"...","fields":[{"001":"..."},{"245":{"ind1":"1","ind2":"0","subfields":[{"a":"..."}]}}]}.
func (a *appender) record(r Record) *appender {
	a.text(`{"leader":`).quoted(r.Leader).text(`,"fields":[`)
	for i, f := range r.Fields {
		a.comma(i).text("{").quoted(f.Tag).text(":")
		if f.Control() {
			a.quoted(f.Value).text("}")
			continue
		}
		a.text(`{"ind1":`).quoted(string(f.Ind1)).text(`,"ind2":`).quoted(string(f.Ind2)).text(`,"subfields":[`)
		for i, s := range f.Subfields {
			a.comma(i).text("{").quoted(string(s.Code)).text(":").quoted(s.Value).text("}")
		}
		a.text("]}}")
	}
	return a.text("]}")
}

func (a *appender) comma(i int) *appender {
	if i > 0 {
		a.text(",")
	}
	return a
}

// quoted appends s as a JSON string (RFC 8259, 7).
func (a *appender) quoted(s string) *appender {
	const hex = "0123456789abcdef"
	a.text(`"`)
	for _, r := range s { // invalid UTF-8 becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			*a = append(*a, '\\', byte(r))
		case r < ' ':
			*a = append(*a, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			*a = utf8.AppendRune(*a, r)
		}
	}
	return a.text(`"`)
}
