package whatif

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kylelemons/godebug/diff"

	"github.com/hookline/hookline/pkg/handler"
)

// Part is a part of a handler's work that differs.
type Part struct {
	Name string `json:"name"`
	// Diff are lines that begin with "-" (before), "+" (now) or " " (both). Texts that are secret, large or not UTF-8 are described instead.
	Diff []string `json:"diff"`
}

const (
	maxDiffText  = 64 << 10 // bytes of a text that is compared by lines
	maxCompared  = 400      // lines of a text that are compared: the time grows with their square
	maxDiffLines = 24       // of one part
	maxDiffLine  = 300      // bytes
)

// differing returns the names of the parts that differ, in the order of now and then of before.
func differing(before, now []handler.Part) (names []string) {
	for _, part := range now {
		if find(before, part.Name).Text != part.Text {
			names = append(names, part.Name)
		}
	}
	for _, part := range before {
		if find(now, part.Name).Name == "" {
			names = append(names, part.Name)
		}
	}
	return names
}

// diffs returns the parts that differ.
func diffs(before, now []handler.Part) (all []Part) {
	for _, name := range differing(before, now) {
		all = append(all, Part{name, compareParts(find(before, name), find(now, name))})
	}
	return all
}

// find returns the part with a name, or an empty part.
func find(parts []handler.Part, name string) handler.Part {
	if i := slices.IndexFunc(parts, func(p handler.Part) bool { return p.Name == name }); i >= 0 {
		return parts[i]
	}
	return handler.Part{}
}

func compareParts(before, now handler.Part) []string {
	if before.Secret || now.Secret {
		return []string{"  (differs; not shown, because it can hold a secret)"}
	}
	if opaque(before.Text) || opaque(now.Text) {
		return []string{"- " + describe(before.Text), "+ " + describe(now.Text)}
	}
	was, is := lines(before.Text), lines(now.Text)
	if len(was) > maxCompared || len(is) > maxCompared {
		return []string{"- " + describe(before.Text), "+ " + describe(now.Text)}
	}
	return changes(was, is)
}

// opaque tells whether a text is not for people, or too long to compare by lines.
func opaque(text string) bool {
	return len(text) > maxDiffText || !utf8.ValidString(text) || strings.Contains(text, "\x00")
}

func describe(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("(%d bytes, SHA-256 %x)", len(text), sum[:8])
}

// lines returns the lines of a text; a JSON object or list has a line for each value.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	if text[0] == '{' || text[0] == '[' {
		var b bytes.Buffer
		if json.Indent(&b, []byte(text), "", "  ") == nil {
			text = b.String()
		}
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// changes returns the lines that differ, each group with the line before it. Texts whose lines are equal differ in white space.
func changes(before, now []string) (out []string) {
	last := "" // the line before
	for _, chunk := range diff.DiffChunks(before, now) {
		if len(chunk.Deleted)+len(chunk.Added) > 0 && last != "" {
			out, last = append(out, "  "+last), ""
		}
		for _, line := range chunk.Deleted {
			out = append(out, "- "+line)
		}
		for _, line := range chunk.Added {
			out = append(out, "+ "+line)
		}
		if n := len(chunk.Equal); n > 0 {
			last = chunk.Equal[n-1]
		}
	}
	if out == nil {
		return []string{"  (white space differs)"}
	}
	if more := len(out) - maxDiffLines; more > 0 {
		out = append(out[:maxDiffLines], fmt.Sprintf("  (%d more lines)", more))
	}
	for i, line := range out {
		if len(line) > maxDiffLine {
			out[i] = strings.ToValidUTF8(line[:maxDiffLine], "") + "..."
		}
	}
	return out
}
