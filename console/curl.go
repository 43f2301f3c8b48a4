package console

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookline/hookline/journal"
)

// maxCurlBody is the size in bytes of a body that a command line holds.
const maxCurlBody = 64 << 10

// curl returns a command that sends an event again as its sender did, but for the signature, which nobody keeps. It is empty if the event has
// no body here or its source no address.
func (c *Console) curl(d journal.Detail) string {
	address := ""
	for _, source := range c.parts.Sources {
		if source.Name == d.Key.Source {
			address = source.URL
		}
	}
	if address == "" || !d.Kept {
		return ""
	}
	var b strings.Builder
	b.WriteString("curl " + quote(address))
	for _, h := range headersOf(d) {
		if sayable(h.Value) && sayable(h.Name) && len(h.Value) < 4096 {
			b.WriteString(" \\\n  -H " + quote(h.Name+": "+h.Value))
		}
	}
	if len(d.Data) <= maxCurlBody && sayable(string(d.Data)) {
		b.WriteString(" \\\n  --data-binary " + quote(string(d.Data)))
	} else {
		b.WriteString(" \\\n  --data-binary @" + fileName(d))
	}
	return b.String()
}

// sayable reports whether a text can be pasted into a terminal: it has no character that a terminal obeys.
func sayable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && (unicode.IsControl(r) || hidden(r)) })
}

// quote writes a word for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
