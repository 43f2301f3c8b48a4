package privacy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// errShape is of a document that encoding/xml reads and nobody else would.
var errShape = errors.New("not one root element, or attributes that touch")

// xmlWalk goes once through a document. A path leads below its root, through elements and attributes alike. The text
// of an element is its field "value", as it is in Alma's JSON: <library desc="Main">MAIN</library> is
// {"library":{"value":"MAIN","desc":"Main"}}. No path leads to comments, processing instructions and directives, so they go.
type xmlWalk struct {
	*pass
	decoder *xml.Decoder
	open    []*element
}

// element is an open element.
type element struct {
	rules   rules
	verdict *rule
	depth   int
	text    strings.Builder
	spans   []edit // where the parts of its text stand
}

func (w *xmlWalk) document() error {
	w.decoder = xml.NewDecoder(bytes.NewReader(w.text))
	// Alma embeds records that declare UTF-16 and travel as UTF-8: the declaration proves nothing, and what is not
	// UTF-8 is an error of the decoder.
	w.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for root := false; ; {
		from := w.offset()
		token, err := w.decoder.Token()
		if errors.Is(err, io.EOF) && root {
			return nil
		} else if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(w.open) == 0 && root {
				return errShape
			}
			root = true
			if err := w.start(t, from); err != nil {
				return err
			}
		case xml.CharData:
			if err := w.chars(t, from); err != nil {
				return err
			}
		case xml.EndElement:
			w.end()
		case xml.ProcInst:
			if t.Target != "xml" {
				w.replace(from, w.offset(), "", nil)
			}
		default:
			w.replace(from, w.offset(), "", nil)
		}
	}
}

func (w *xmlWalk) offset() int { return int(w.decoder.InputOffset()) }

func (w *xmlWalk) start(t xml.StartElement, from int) error {
	e := &element{rules: w.rules}
	if len(w.open) > 0 {
		in := w.open[len(w.open)-1]
		own, below := in.rules.enter(in.depth, t.Name.Local)
		if own != nil && own.verb == drop {
			if err := w.decoder.Skip(); err != nil {
				return err
			}
			w.replace(from, w.offset(), "", own)
			return nil
		}
		if own == nil {
			own = in.verdict
		}
		e = &element{rules: below, verdict: own, depth: in.depth + 1}
	}
	w.open = append(w.open, e)
	return w.attributes(e, t, from)
}

// attributes finds them in a start tag that encoding/xml has read without a complaint: they are in its order, and quoted.
func (w *xmlWalk) attributes(e *element, t xml.StartElement, from int) error {
	at := from
	for i, a := range t.Attr {
		if i == 0 {
			at += bytes.IndexAny(w.text[at:], " \t\r\n")
		}
		before := at
		at += bytes.IndexByte(w.text[at:], '=')
		at += bytes.IndexAny(w.text[at:], `"'`)
		quote := w.text[at]
		at++
		start := at
		at += bytes.IndexByte(w.text[at:], quote)
		end := at
		at++
		if bytes.IndexByte([]byte(" \t\r\n/>"), w.text[at]) < 0 {
			return errShape
		}
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		w.field(e, a.Name.Local, a.Value, []edit{{before, at, ""}}, []edit{{start, end, ""}})
	}
	return nil
}

func (w *xmlWalk) chars(t xml.CharData, from int) error {
	if len(w.open) == 0 {
		if len(bytes.TrimSpace(t)) > 0 {
			return errShape
		}
		return nil
	}
	e := w.open[len(w.open)-1]
	if len(e.rules) > 0 || e.verdict != nil && e.verdict.verb != keep {
		e.text.Write(t)
		e.spans = append(e.spans, edit{from, w.offset(), ""})
	}
	return nil
}

func (w *xmlWalk) end() {
	e := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	if value := strings.TrimSpace(e.text.String()); value != "" {
		w.field(e, "value", value, e.spans, e.spans)
	}
}

// field does what the rules say with a text or an attribute: whole is what is cut if it is dropped, parts what its value
// stands in.
func (w *xmlWalk) field(in *element, name, value string, whole, parts []edit) {
	own, _ := in.rules.enter(in.depth, name)
	if own == nil {
		own = in.verdict
	}
	switch {
	case own == nil || own.verb == keep:
	case own.verb == drop:
		for _, part := range whole {
			w.replace(part.from, part.to, "", own)
		}
	default:
		by := w.stand(own, value)
		if by == value {
			return
		}
		for i, part := range parts {
			if i > 0 {
				by = ""
			}
			w.replace(part.from, part.to, by, own)
		}
	}
}
