package privacy

import (
	"bytes"
	"encoding/json"
)

// jsonWalk goes once through a document that is known to be valid, so that it need not look for mistakes.
type jsonWalk struct {
	*pass
	at int
}

// value goes through one value. rules lead to what is in it; verdict is what becomes of what no rule names.
func (w *jsonWalk) value(rules rules, verdict *rule, depth int) {
	start := w.at
	switch {
	case len(rules) == 0 && (verdict == nil || verdict.verb == keep):
		w.skip()
	case w.text[start] == '{':
		w.object(rules, verdict, depth)
	case w.text[start] == '[':
		w.array(rules, verdict, depth)
	default:
		w.skip()
		w.scalar(w.text[start:w.at], rules, verdict, depth)
	}
}

// object goes through fields. A dropped one takes the comma before it along, the first one that stays has none.
func (w *jsonWalk) object(rules rules, verdict *rule, depth int) {
	w.at++
	kept := false
	for first := true; ; first = false {
		before := w.at
		w.space()
		comma := w.at
		if w.text[w.at] == '}' {
			w.at++
			return
		}
		if !first {
			w.at++
			w.space()
		}
		name := w.name()
		w.space()
		w.at++ // the colon
		w.space()
		own, below := rules.enter(depth, name)
		if own != nil && own.verb == drop {
			w.skip()
			w.replace(before, w.at, "", own)
			continue
		}
		if own == nil {
			own = verdict
		}
		if !first && !kept {
			w.edit(comma, comma+1, "")
		}
		kept = true
		w.value(below, own, depth+1)
	}
}

// array goes through items: a path leads through them as if they were not in a list.
func (w *jsonWalk) array(rules rules, verdict *rule, depth int) {
	w.at++
	for {
		w.space()
		switch w.text[w.at] {
		case ']':
			w.at++
			return
		case ',':
			w.at++
		default:
			w.value(rules, verdict, depth)
		}
	}
}

// scalar does what becomes of a text, number or boolean. Where rules lead further it counts as the field "value", as in XML.
func (w *jsonWalk) scalar(raw []byte, rules rules, verdict *rule, depth int) {
	if own, _ := rules.enter(depth, "value"); own != nil {
		verdict = own
	}
	if verdict == nil || verdict.verb == keep || raw[0] == 'n' {
		return
	}
	from := w.at - len(raw)
	if verdict.verb == drop {
		w.replace(from, w.at, "null", verdict)
		return
	}
	value := string(raw)
	if raw[0] == '"' {
		value = unquote(raw)
	}
	if by := w.stand(verdict, value); by != value {
		w.replace(from, w.at, `"`+by+`"`, verdict)
	}
}

func (w *jsonWalk) space() {
	for bytes.IndexByte([]byte(" \t\r\n"), w.text[w.at]) >= 0 {
		w.at++
	}
}

func (w *jsonWalk) name() string {
	start := w.at
	w.string()
	return unquote(w.text[start:w.at])
}

func (w *jsonWalk) string() {
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
}

// skip goes to the end of a value.
func (w *jsonWalk) skip() {
	for open := 0; ; {
		switch w.text[w.at] {
		case '"':
			w.string()
		case '{', '[':
			open++
			w.at++
		case '}', ']':
			open--
			w.at++
		default:
			w.plain()
		}
		if open == 0 {
			return
		}
	}
}

// plain goes over a number or a word, or what stands between values.
func (w *jsonWalk) plain() {
	for w.at++; bytes.IndexByte([]byte("\"{}[], \t\r\n"), w.text[w.at]) < 0; {
		w.at++
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
