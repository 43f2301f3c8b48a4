package text

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape returns s with each character that is not printable as \uXXXX, as JSON writes it: control characters, with those from U+0080 on that
// terminals take for commands, and characters that change the direction of text. Line breaks and tabs stay. Bytes that are not UTF-8 become
// U+FFFD. Finished JSON stays JSON of the same value, because such characters are only in its strings.
func Escape(s string) string {
	first := strings.IndexFunc(s, escaped)
	if first < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for _, r := range s {
		if !escaped(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte("0123456789abcdef"[unit>>shift&0xf])
			}
		}
	}
	return b.String()
}

func escaped(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }

// Writer escapes everything that is written to it. A character must not be split between two writes.
type Writer struct{ to io.Writer }

// NewWriter returns a Writer in front of w.
func NewWriter(w io.Writer) *Writer { return &Writer{w} }

// Write writes p by Escape. The number of bytes is that of p, or 0 with an error.
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, Escape(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap returns the writer behind w.
func (w *Writer) Unwrap() io.Writer { return w.to }
