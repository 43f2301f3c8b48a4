package console

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldAfter is the number of characters after which a text is folded.
const foldAfter = 400

// maxShown is the number of characters of a text that a page holds at most; a download has all of it.
const maxShown = 100_000

// visible returns a text of a stranger as HTML: as text, apart from the direction of its surroundings, with names for characters that cannot
// be seen. Long ones are folded.
func visible(s string) template.HTML {
	head, rest := split(s, foldAfter)
	if rest == "" {
		return "<bdi>" + named(head) + "</bdi>"
	}
	shown, left := split(rest, maxShown)
	more := fmt.Sprintf("%s more characters", number(int64(utf8.RuneCountInString(rest))))
	if left != "" {
		shown += "…"
	}
	return "<bdi>" + named(head) + `</bdi><details class="fold long"><summary>` + template.HTML(more) + "</summary><bdi>" + named(shown) + "</bdi></details>"
}

// brief returns the begin of a text of a stranger as HTML, for lists.
func brief(s string, length int) template.HTML {
	head, rest := split(s, length)
	if rest != "" {
		head += "…"
	}
	return "<bdi>" + named(head) + "</bdi>"
}

// split cuts a text after a number of characters.
func split(s string, length int) (head, rest string) {
	n := 0
	for i := range s {
		if n == length {
			return s[:i], s[i:]
		}
		n++
	}
	return s, ""
}

// named escapes a text, and writes a name for each character that cannot be seen.
func named(s string) template.HTML {
	var b strings.Builder
	marks := 0
	for i := range s {
		r, size := utf8.DecodeRuneInString(s[i:])
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			control(&b, fmt.Sprintf("0x%02X", s[i]), "a byte that is no text")
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case marks > 3: // more of them would be drawn over the lines above and below
			control(&b, fmt.Sprintf("U+%04X", r), "a mark above or below a letter")
		case hidden(r):
			name, meaning := nameOf(r)
			control(&b, name, meaning)
		default:
			b.WriteString(html.EscapeString(string(r)))
		}
	}
	return template.HTML(b.String())
}

func control(b *strings.Builder, name, meaning string) {
	b.WriteString(`<span class="ctl"`)
	if meaning != "" {
		b.WriteString(` title="` + meaning + `"`)
	}
	b.WriteString(">" + name + "</span>")
}

// hidden reports whether a character cannot be seen, or changes its surroundings.
func hidden(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u17b4', '\u17b5': // letters without a shape
		return true
	}
	return !unicode.IsPrint(r) || r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef
}

func nameOf(r rune) (name, meaning string) {
	switch r {
	case 0:
		return "NUL", "a zero byte"
	case 7:
		return "BEL", "bell"
	case 8:
		return "BS", "backspace"
	case '\r':
		return "CR", "carriage return"
	case 0x1b:
		return "ESC", "escape, begins a terminal command"
	case 0x7f:
		return "DEL", "delete"
	case '\u00a0':
		return "NBSP", "no-break space"
	case '\u00ad':
		return "SHY", "soft hyphen"
	case '\u200b':
		return "U+200B", "zero-width space"
	case '\u200e':
		return "U+200E", "left-to-right mark"
	case '\u200f':
		return "U+200F", "right-to-left mark"
	case '\u202a', '\u202b', '\u202d', '\u2066', '\u2067', '\u2068':
		meaning = "changes the direction of text"
	case '\u202e':
		meaning = "right-to-left override"
	case '\ufeff':
		meaning = "byte order mark"
	}
	if r >= 0x80 && r <= 0x9f {
		meaning = "a control character, can be a terminal command"
	}
	return fmt.Sprintf("U+%04X", r), meaning
}
