// Package jsonbody reads the bodies of events as JSON, in one way for all: the receiver's places of ID and action, signatures, redaction,
// filters and handlers.
//
//   - A body is JSON if it is one value of RFC 8259. White space may be around it, and a byte order mark before it.
//   - A body with anything else after the value is not JSON.
//   - Of two fields with one name the last one counts, as in encoding/json, Python and JavaScript.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Trim returns a body without the byte order mark and the white space before its text. It does not copy.
func Trim(body []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
}

// Text returns the JSON text of a body, and false if the body is not JSON. It does not copy.
func Text(body []byte) ([]byte, bool) {
	text := Trim(body)
	return text, json.Valid(text) // gjson's own check recurses without a limit: a stranger's "[[[[" would end the process
}

// Get returns the value at a path in a text of Text: names of fields, and numbers of items in lists from 0, joined by dots. The rest of
// a path that has another syntax of gjson, such as items.#, is read by gjson. The value does not exist if the path leads nowhere, or
// if the text is empty.
func Get(text []byte, path string) gjson.Result {
	if len(text) == 0 {
		return gjson.Result{}
	}
	for path != "" {
		name, rest, _ := strings.Cut(path, ".")
		if strings.ContainsAny(name, `\*?#|@!{[`) {
			return gjson.GetBytes(text, path)
		}
		s := scanner{text: text}
		found := false
		switch s.next() {
		case '{':
			text, found = s.field(name)
		case '[':
			text, found = s.item(name)
		}
		if !found {
			return gjson.Result{}
		}
		path = rest
	}
	return gjson.ParseBytes(text)
}

// Fields calls each for every field of a text of Text or of a value of it, in its order, and does nothing for other values than
// objects. The values are parts of the text.
func Fields(text []byte, each func(name string, value []byte)) {
	s := scanner{text: text}
	if len(text) == 0 || s.next() != '{' {
		return
	}
	for s.at++; s.next() != '}'; {
		key := s.value()
		s.next() // the colon
		each(Unquote(key), s.value())
	}
}

// End returns the place behind the value that begins at a place in a text of Text.
func End(text []byte, begin int) int {
	s := scanner{text, begin}
	s.value()
	return s.at
}

// scanner passes through a valid text.
type scanner struct {
	text []byte
	at   int
}

// field returns the last value with a name in the object at the scanner's place.
func (s *scanner) field(name string) (value []byte, found bool) {
	for s.at++; s.next() != '}'; {
		key := s.value()
		s.next() // the colon
		field := s.value()
		if is(key, name) {
			value, found = field, true
		}
	}
	return value, found
}

// item returns the item with a number in the list at the scanner's place.
func (s *scanner) item(number string) ([]byte, bool) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, false
	}
	s.at++
	for i := 0; s.next() != ']'; i++ {
		if item := s.value(); i == n {
			return item, true
		}
	}
	return nil, false
}

// next passes over white space, commas and colons, and returns the next character.
func (s *scanner) next() byte {
	for {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
		default:
			return c
		}
	}
}

// value passes over a value and returns it.
func (s *scanner) value() []byte {
	start := s.at
	for open := 0; ; {
		switch s.text[s.at] {
		case '"':
			s.string()
		case '{', '[':
			open++
			s.at++
		case '}', ']':
			open--
			s.at++
		default:
			s.plain()
		}
		if open == 0 {
			return s.text[start:s.at]
		}
	}
}

// string passes over a string, from quote to quote: a quote after an odd number of backslashes is part of it.
func (s *scanner) string() {
	for s.at++; ; s.at++ {
		s.at += bytes.IndexByte(s.text[s.at:], '"')
		escapes := 0
		for s.text[s.at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			s.at++
			return
		}
	}
}

// plain passes over a number, a word, or the characters between values.
func (s *scanner) plain() {
	for s.at++; s.at < len(s.text) && bytes.IndexByte([]byte("\"{}[],: \t\r\n"), s.text[s.at]) < 0; {
		s.at++
	}
}

// is reports whether the text of a JSON string equals name.
func is(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	return Unquote(quoted) == name
}

// Unquote returns the text of a valid JSON string, which is given with its quotes.
func Unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // cannot fail: it is valid
	return text
}
