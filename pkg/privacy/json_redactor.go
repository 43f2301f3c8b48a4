package privacy

import (
	"bytes"
	"encoding/json"
)

// jsonRedactor goes once through a document that is known to be valid, so that it need not look for mistakes.
type jsonRedactor struct {
	*redaction
	at int
}

// value goes through one value. rules lead to what is in it; verdict is what becomes of what no rule names.
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

// object goes through fields. A dropped one takes the comma before it along, the first one that stays has none.
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
		own, below := rules.enter(depth, name)
		if own != nil && own.verb == drop {
			r.skip()
			r.replace(before, r.at, "", own)
			continue
		}
		if own == nil {
			own = verdict
		}
		if !first && !kept {
			r.edit(comma, comma+1, "")
		}
		kept = true
		r.value(below, own, depth+1)
	}
}

// array goes through items: a path leads through them as if they were not in a list.
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

// scalar does what becomes of a text, number or boolean. Where rules lead further it counts as the field "value", as in XML.
func (r *jsonRedactor) scalar(raw []byte, rules rules, verdict *rule, depth int) {
	if own, _ := rules.enter(depth, "value"); own != nil {
		verdict = own
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
		value = unquote(raw)
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
	r.string()
	return unquote(r.text[start:r.at])
}

func (r *jsonRedactor) string() {
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
}

// skip goes to the end of a value.
func (r *jsonRedactor) skip() {
	for open := 0; ; {
		switch r.text[r.at] {
		case '"':
			r.string()
		case '{', '[':
			open++
			r.at++
		case '}', ']':
			open--
			r.at++
		default:
			r.plain()
		}
		if open == 0 {
			return
		}
	}
}

// plain goes over a number or a word, or what stands between values.
func (r *jsonRedactor) plain() {
	for r.at++; bytes.IndexByte([]byte("\"{}[], \t\r\n"), r.text[r.at]) < 0; {
		r.at++
	}
}

// unquote is what a valid JSON string says.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // valid: it cannot fail
	return text
}
