package journal

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

const (
	// maxIndexed is the number of bytes of a body that can be searched, from its begin.
	maxIndexed = 4 << 10
	// maxWord is the length in bytes of the longest text without spaces that can be searched: a longer one is no word, but a file in base64.
	maxWord = 128
	// maxErrors bounds the bytes of an event's errors that can be searched.
	maxErrors = 2 << 10
)

// bodyText returns the values of a body: the strings and numbers of JSON exactly as their text, the texts and attributes of XML and HTML, and
// the words of another text. A binary body has none.
func bodyText(data []byte) string {
	data = bytes.TrimPrefix(data[:min(len(data), maxIndexed)], []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(data, 0) >= 0 {
		return ""
	}
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return ""
	}
	var out strings.Builder
	out.Grow(len(data) / 2)
	switch data[0] {
	case '{', '[', '"':
		jsonValues(&out, data)
	case '<':
		markupValues(&out, data)
	default:
		addWords(&out, plainText(data))
	}
	return out.String()
}

// jsonValues writes the strings and numbers of a JSON text, which may be cut off or wrong. A string before a colon is a field's name.
func jsonValues(out *strings.Builder, data []byte) {
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == '"':
			end := stringEnd(data, i)
			if !isName(data[end:]) {
				addWords(out, unquote(data[i:end]))
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(data) && isNumber(data[end]) {
				end++
			}
			addWords(out, string(data[i:end]))
			i = end
		default:
			i++
		}
	}
}

// stringEnd returns the place behind the JSON string that begins at a place.
func stringEnd(data []byte, begin int) int {
	for i := begin + 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// isName reports whether a colon follows.
func isName(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func isNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

// unquote returns the text of a JSON string, and the bytes between the quotes if the string is cut off or wrong.
func unquote(quoted []byte) string {
	var text string
	if bytes.IndexByte(quoted, '\\') >= 0 && json.Unmarshal(quoted, &text) == nil {
		return text
	}
	return strings.ToValidUTF8(string(bytes.Trim(quoted, `"`)), " ")
}

// markupValues writes the text between tags, and the values of attributes.
func markupValues(out *strings.Builder, data []byte) {
	for len(data) > 0 {
		tag := bytes.IndexByte(data, '<')
		if tag < 0 {
			tag = len(data)
		}
		addWords(out, plainText(data[:tag]))
		if data = data[tag:]; len(data) == 0 {
			return
		}
		end := bytes.IndexByte(data, '>')
		if end < 0 {
			return
		}
		for attributes := data[:end]; ; {
			begin := bytes.IndexByte(attributes, '"')
			if begin < 0 {
				break
			}
			value := attributes[begin+1:]
			length := bytes.IndexByte(value, '"')
			if length < 0 {
				break
			}
			addWords(out, plainText(value[:length]))
			attributes = value[length+1:]
		}
		data = data[end+1:]
	}
}

// plainText returns a text in UTF-8, without the escapes of forms.
func plainText(data []byte) string {
	text := string(data)
	if bytes.IndexByte(data, '%') >= 0 {
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
	}
	return strings.ToValidUTF8(text, " ")
}

// isTimestamp reports whether a text is a time as in RFC 3339. Nobody searches for its hour or second, but they would be a tenth of the index.
func isTimestamp(text string) bool {
	if len(text) < len("2006-01-02T15:04") || len(text) > len("2006-01-02T15:04:05.000000000+00:00") || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' {
		return false
	}
	return strings.IndexByte("0123456789", text[0]) >= 0
}

// addWords writes a text and a space; of a timestamp the date. It leaves out texts without spaces that are longer than maxWord.
func addWords(out *strings.Builder, text string) {
	if isTimestamp(text) {
		text = text[:len("2006-01-02")]
	}
	if len(text) > maxWord {
		for word := range strings.FieldsSeq(text) {
			if len(word) <= maxWord {
				out.WriteString(word)
				out.WriteByte(' ')
			}
		}
		return
	}
	out.WriteString(text)
	out.WriteByte(' ')
}
