package signature

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// maxJSONDepth bounds the depth of a document that is written anew.
const maxJSONDepth = 32

// jsonForms writes a JSON body anew, as the libraries of several languages do. Numbers stay as they are.
func jsonForms(body []byte) iter.Seq2[string, []byte] {
	text, ok := jsonbody.Text(body)
	if !ok || len(body) > maxOriginal || tooDeep(text) {
		return formsOf(body)
	}
	return func(yield func(string, []byte) bool) {
		for _, sorted := range []bool{false, true} {
			for _, quoting := range jsonStrings() {
				for _, spaces := range jsonSpaces() {
					name := "the same JSON " + spaces.name + quoting.name
					if sorted {
						name += ", sorted by name"
					}
					written := append(writeJSON(text, spaces, quoting, sorted), '\n')
					if !yield(name, written[:len(written)-1]) || !yield(name+", with a line break at its end", written) {
						return
					}
				}
			}
		}
	}
}

func tooDeep(text []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxJSONDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// jsonSpace is the white space that a library writes.
type jsonSpace struct {
	name         string
	comma, colon string
	indent       string // with it, each value stands on a line of its own
}

func jsonSpaces() []jsonSpace {
	return []jsonSpace{
		{"without spaces", ",", ":", ""},
		{"with a space after commas and colons", ", ", ": ", ""},
		{"indented by 2", ",", ": ", "  "},
		{"indented by 4", ",", ": ", "    "},
		{"indented by tabs", ",", ": ", "\t"},
	}
}

// jsonString is the way in which a library writes strings.
type jsonString struct {
	name      string
	asItCame  bool
	onlyASCII bool   // other characters are escaped
	escaped   string // characters that are escaped beside those that have to be
	slash     bool   // a slash is escaped by a backslash
}

func jsonStrings() []jsonString {
	return []jsonString{
		{name: "", asItCame: true},
		{name: ", with characters as JavaScript writes them"},
		{name: ", with characters as Python writes them", onlyASCII: true},
		{name: ", with characters as PHP writes them", onlyASCII: true, slash: true},
		{name: ", with characters as Go and Ruby write them", escaped: "<>&\u2028\u2029"},
	}
}

// jsonWriter writes one document.
type jsonWriter struct {
	text    []byte // valid
	at      int    // in text
	out     []byte
	spaces  jsonSpace
	quoting jsonString
	sorted  bool
	depth   int
}

func writeJSON(text []byte, spaces jsonSpace, quoting jsonString, sorted bool) []byte {
	w := jsonWriter{text: text, out: make([]byte, 0, len(text)+len(text)/4), spaces: spaces, quoting: quoting, sorted: sorted}
	w.value()
	return w.out
}

// next passes over white space and returns the next character.
func (w *jsonWriter) next() byte {
	for w.text[w.at] == ' ' || w.text[w.at] == '\t' || w.text[w.at] == '\n' || w.text[w.at] == '\r' {
		w.at++
	}
	return w.text[w.at]
}

func (w *jsonWriter) value() {
	switch w.next() {
	case '{':
		w.members('}')
	case '[':
		w.members(']')
	case '"':
		w.string()
	default:
		begin := w.at
		for w.at < len(w.text) && !strings.ContainsRune(" \t\r\n,:]}", rune(w.text[w.at])) {
			w.at++
		}
		w.out = append(w.out, w.text[begin:w.at]...)
	}
}

// members writes an object or a list up to its end.
func (w *jsonWriter) members(end byte) {
	w.out = append(w.out, w.text[w.at])
	w.at++
	if w.next() == end {
		w.at++
		w.out = append(w.out, end)
		return
	}
	w.depth++
	var made [][]byte // for sorting: the members alone
	for begin := len(w.out); ; begin = len(w.out) {
		w.line()
		if end == '}' {
			w.next()
			w.string()
			w.next()
			w.at++ // the colon
			w.out = append(w.out, w.spaces.colon...)
		}
		w.value()
		if w.sorted && end == '}' {
			made = append(made, bytes.Clone(w.out[begin:]))
			w.out = w.out[:begin]
		}
		last := w.next() == end
		w.at++
		if last {
			break
		}
		if !w.sorted || end == ']' {
			w.out = append(w.out, w.spaces.comma...)
		}
	}
	slices.SortStableFunc(made, bytes.Compare)
	w.out = append(w.out, bytes.Join(made, []byte(w.spaces.comma))...)
	w.depth--
	w.line()
	w.out = append(w.out, end)
}

// line begins a line, if the style has lines.
func (w *jsonWriter) line() {
	if w.spaces.indent != "" {
		w.out = append(w.out, '\n')
		for range w.depth {
			w.out = append(w.out, w.spaces.indent...)
		}
	}
}

func (w *jsonWriter) string() {
	begin := w.at
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	quoted := w.text[begin:w.at]
	if w.quoting.asItCame || !utf8.Valid(quoted) {
		w.out = append(w.out, quoted...)
		return
	}
	w.out = append(w.out, '"')
	for _, r := range jsonbody.Unquote(quoted) {
		w.out = w.quoting.append(w.out, r)
	}
	w.out = append(w.out, '"')
}

// append writes one character of a string.
func (s jsonString) append(out []byte, r rune) []byte {
	if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
		return append(out, '\\', "\"\\bfnrt"[i])
	}
	switch {
	case r == '/' && s.slash:
		return append(out, '\\', '/')
	case r >= 0x10000 && s.onlyASCII:
		high, low := utf16.EncodeRune(r)
		return escape(escape(out, high), low)
	case r < ' ', r > '~' && s.onlyASCII, strings.ContainsRune(s.escaped, r):
		return escape(out, r)
	}
	return utf8.AppendRune(out, r)
}

func escape(out []byte, r rune) []byte {
	return append(out, '\\', 'u', lowerHex[r>>12&15], lowerHex[r>>8&15], lowerHex[r>>4&15], lowerHex[r&15])
}
