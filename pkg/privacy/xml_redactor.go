package privacy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// errShape refuses a document that encoding/xml accepts, but other parsers refuse.
var errShape = errors.New("not one root element, or attributes that touch")

// xmlRedactor passes once through a document. A path begins below the root and leads through elements and attributes alike. The text
// of an element is its field "value", as in Alma's JSON: <library desc="Main">MAIN</library> is
// {"library":{"value":"MAIN","desc":"Main"}}. Comments, processing instructions and directives are dropped, because no path leads to them.
type xmlRedactor struct {
	*redaction
	decoder *xml.Decoder
	open    []*element
}

// element is an open element.
type element struct {
	rules   rules
	verdict *rule
	depth   int
	text    strings.Builder
	spans   []edit // the parts of its text
}

func (r *xmlRedactor) document() error {
	r.decoder = xml.NewDecoder(bytes.NewReader(r.text))
	// Alma embeds records that declare UTF-16 and are UTF-8, so the declaration is ignored. The decoder refuses text that is not
	// UTF-8.
	r.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for root := false; ; {
		from := r.offset()
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) && root {
			return nil
		} else if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(r.open) == 0 && root {
				return errShape
			}
			root = true
			if err := r.start(t, from); err != nil {
				return err
			}
		case xml.CharData:
			if err := r.chars(t, from); err != nil {
				return err
			}
		case xml.EndElement:
			r.end()
		case xml.ProcInst:
			if t.Target != "xml" {
				r.replace(from, r.offset(), "", nil)
			}
		default:
			r.replace(from, r.offset(), "", nil)
		}
	}
}

func (r *xmlRedactor) offset() int { return int(r.decoder.InputOffset()) }

func (r *xmlRedactor) start(t xml.StartElement, from int) error {
	e := &element{rules: r.rules}
	if len(r.open) > 0 {
		in := r.open[len(r.open)-1]
		exact, below := in.rules.enter(in.depth, t.Name.Local)
		if exact != nil && exact.verb == drop {
			if err := r.decoder.Skip(); err != nil {
				return err
			}
			r.replace(from, r.offset(), "", exact)
			return nil
		}
		if exact == nil {
			exact = in.verdict
		}
		e = &element{rules: below, verdict: exact, depth: in.depth + 1}
	}
	r.open = append(r.open, e)
	return r.attributes(e, t, from)
}

// attributes finds the attributes in a start tag that encoding/xml has accepted: they are quoted, and in the order of t.
func (r *xmlRedactor) attributes(e *element, t xml.StartElement, from int) error {
	at := from
	for i, a := range t.Attr {
		if i == 0 {
			at += bytes.IndexAny(r.text[at:], " \t\r\n")
		}
		before := at
		at += bytes.IndexByte(r.text[at:], '=')
		at += bytes.IndexAny(r.text[at:], `"'`)
		quote := r.text[at]
		at++
		start := at
		at += bytes.IndexByte(r.text[at:], quote)
		end := at
		at++
		if bytes.IndexByte([]byte(" \t\r\n/>"), r.text[at]) < 0 {
			return errShape
		}
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		r.field(e, a.Name.Local, a.Value, []edit{{before, at, ""}}, []edit{{start, end, ""}})
	}
	return nil
}

func (r *xmlRedactor) chars(t xml.CharData, from int) error {
	if len(r.open) == 0 {
		if len(bytes.TrimSpace(t)) > 0 {
			return errShape
		}
		return nil
	}
	e := r.open[len(r.open)-1]
	if len(e.rules) > 0 || e.verdict != nil && e.verdict.verb != keep {
		e.text.Write(t)
		e.spans = append(e.spans, edit{from, r.offset(), ""})
	}
	return nil
}

func (r *xmlRedactor) end() {
	e := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	if value := strings.TrimSpace(e.text.String()); value != "" {
		r.field(e, "value", value, e.spans, e.spans)
	}
}

// field applies the rules to a text or an attribute. A drop removes whole; a hash or a mask replaces parts, the places
// of its value.
func (r *xmlRedactor) field(in *element, name, value string, whole, parts []edit) {
	exact, _ := in.rules.enter(in.depth, name)
	if exact == nil {
		exact = in.verdict
	}
	switch {
	case exact == nil || exact.verb == keep:
	case exact.verb == drop:
		for _, part := range whole {
			r.replace(part.from, part.to, "", exact)
		}
	default:
		by := r.replacement(exact, value)
		if by == value {
			return
		}
		for i, part := range parts {
			if i > 0 {
				by = ""
			}
			r.replace(part.from, part.to, by, exact)
		}
	}
}
