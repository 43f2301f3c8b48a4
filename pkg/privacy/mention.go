package privacy

import (
	"bytes"
	"errors"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/hookline/hookline/pkg/event"
)

// Mention finds a text that names a person, such as a primary ID. It finds the text as a whole word in upper or lower case. A letter, a digit
// or "_" beside the text belongs to a longer word, and so does "-" with a letter or digit behind it, and "." between digits: 4711 is not in
// 14711, 4711-b or 4711.50, and it is in /users/4711 and 4711@example.org. A letter with its accent is the same as one character or as two.
type Mention struct{ text string }

// NewMention returns an error for a text without a letter or a digit.
func NewMention(text string) (Mention, error) {
	text = folded(strings.TrimSpace(text))
	if !strings.ContainsFunc(text, isWord) {
		return Mention{}, errors.New("the text has no letter and no digit, so it would be found in every event")
	}
	return Mention{text}, nil
}

// In reports whether an event has the text: in its ID, in a kept header, or in its body as InText finds it.
func (m Mention) In(e event.Event) bool {
	for _, value := range e.Header {
		if m.InText(value) {
			return true
		}
	}
	return m.InText(e.ID) || m.InText(string(e.Data))
}

// InText reports whether a text has m's text as it is, or in the escapes of JSON, of HTML and XML, or of URLs and forms.
func (m Mention) InText(text string) bool {
	if m.inWords(text) {
		return true
	}
	if strings.Contains(text, `\`) && m.inWords(unescapeJSON(text)) || strings.Contains(text, "&") && m.inWords(html.UnescapeString(text)) {
		return true
	}
	if !strings.ContainsAny(text, "%+") {
		return false
	}
	return m.inWords(unescapeURL(text))
}

func (m Mention) inWords(text string) bool {
	text = folded(text)
	for at := 0; ; at++ {
		i := strings.Index(text[at:], m.text)
		if i < 0 {
			return false
		}
		at += i
		before, after := text[max(0, at-2*utf8.UTFMax):at], text[at+len(m.text):]
		if !joins(reversed(before), m.text[0]) && !joins(after, m.text[len(m.text)-1]) {
			return true
		}
	}
}

// folded returns a text in lower case and in one Unicode normal form.
func folded(text string) string { return norm.NFC.String(strings.ToLower(text)) }

// joins reports whether beside, which begins next to a found text with the last character edge, continues its word.
func joins(beside string, edge byte) bool {
	next, size := utf8.DecodeRuneInString(beside)
	if size == 0 {
		return false
	}
	after, _ := utf8.DecodeRuneInString(beside[size:])
	switch next {
	case '-':
		return isWord(after)
	case '.':
		return unicode.IsDigit(after) && edge >= '0' && edge <= '9'
	}
	return isWord(next)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func reversed(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		b.WriteRune(r)
		s = s[:len(s)-size]
	}
	return b.String()
}

var percent = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

// unescapeURL replaces the escapes of URLs and forms. Any other percent sign stays, because a text around the escapes can have one.
func unescapeURL(text string) string {
	return percent.ReplaceAllStringFunc(strings.ReplaceAll(text, "+", " "), func(s string) string {
		code, _ := strconv.ParseUint(s[1:], 16, 8)
		return string([]byte{byte(code)})
	})
}

var escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// unescapeJSON replaces the escapes of JSON strings by their characters, except for line ends, which become spaces.
func unescapeJSON(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(s string) string {
		if s[1] == 'u' && len(s) == 6 {
			code, _ := strconv.ParseUint(s[2:], 16, 16)
			return string(rune(code))
		}
		if strings.ContainsAny(s[1:], "bfnrt") {
			return " "
		}
		return s[1:]
	})
}

// Searchable reports whether a Mention can be found in a body: it is text in UTF-8, and not compressed. Text in UTF-16 has NUL bytes.
func Searchable(e event.Event) bool {
	switch strings.ToLower(e.Header["Content-Encoding"]) {
	case "", "identity":
		return utf8.Valid(e.Data) && bytes.IndexByte(e.Data, 0) < 0
	}
	return false
}
