package privacy

import (
	"bytes"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// jsonRedactor passes once through a valid document. It does not look for syntax errors.
type jsonRedactor struct {
	*redaction
	at int
}

// value passes through one value. rules lead to its fields; verdict applies to fields without a rule.
func (r *jsonRedactor) value(rules rules, verdict *rule, depth int) {
	start := r.at
	switch {
	case len(rules) == 0 && (verdict == nil || verdict.verb == keep):
		r.skip()
	case r.text[start] == '{':
		r.object(rules, verdict, depth)
	case r.text[start] == '[':
		r.array(rules, verdict, depth)
	default:
		r.skip()
		r.scalar(r.text[start:r.at], rules, verdict, depth)
	}
}

// object passes through the fields of an object. A dropped field takes the comma before it along; the first remaining field has none.
func (r *jsonRedactor) object(rules rules, verdict *rule, depth int) {
	r.at++
	kept := false
	for first := true; ; first = false {
		before := r.at
		r.space()
		comma := r.at
		if r.text[r.at] == '}' {
			r.at++
			return
		}
		if !first {
			r.at++
			r.space()
		}
		name := r.name()
		r.space()
		r.at++ // the colon
		r.space()
		exact, below := rules.enter(depth, name)
		if exact != nil && exact.verb == drop {
			r.skip()
			r.replace(before, r.at, "", exact)
			continue
		}
		if exact == nil {
			exact = verdict
		}
		if !first && !kept {
			r.edit(comma, comma+1, "")
		}
		kept = true
		r.value(below, exact, depth+1)
	}
}

// array passes through the items of a list. Paths ignore lists.
func (r *jsonRedactor) array(rules rules, verdict *rule, depth int) {
	r.at++
	for {
		r.space()
		switch r.text[r.at] {
		case ']':
			r.at++
			return
		case ',':
			r.at++
		default:
			r.value(rules, verdict, depth)
		}
	}
}

// scalar applies verdict to a text, number or boolean. If a rule names the field "value" here, that rule applies, as in XML.
func (r *jsonRedactor) scalar(raw []byte, rules rules, verdict *rule, depth int) {
	if exact, _ := rules.enter(depth, "value"); exact != nil {
		verdict = exact
	}
	if verdict == nil || verdict.verb == keep || raw[0] == 'n' {
		return
	}
	from := r.at - len(raw)
	if verdict.verb == drop {
		r.replace(from, r.at, "null", verdict)
		return
	}
	value := string(raw)
	if raw[0] == '"' {
		value = jsonbody.Unquote(raw)
	}
	if by := r.replacement(verdict, value); by != value {
		r.replace(from, r.at, `"`+by+`"`, verdict)
	}
}

func (r *jsonRedactor) space() {
	for bytes.IndexByte([]byte(" \t\r\n"), r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *jsonRedactor) name() string {
	start := r.at
	r.skip()
	return jsonbody.Unquote(r.text[start:r.at])
}

// skip passes over a value.
func (r *jsonRedactor) skip() { r.at = jsonbody.End(r.text, r.at) }
