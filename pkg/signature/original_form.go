package signature

import (
	"bytes"
	"iter"
	"net/url"
	"slices"
	"strings"
)

// maxFields bounds the fields of a form that is written anew.
const maxFields = 1000

// formForms writes a form anew. Libraries differ in the characters that they escape, in the space, and in upper and lower case.
func formForms(body []byte) iter.Seq2[string, []byte] {
	fields, ok := readForm(body)
	if !ok {
		return formsOf(body)
	}
	sorted := slices.Clone(fields)
	slices.SortStableFunc(sorted, func(a, b formField) int { return strings.Compare(a.name, b.name) })
	var forms []bodyForm
	for _, style := range formStyles() {
		forms = append(forms, bodyForm{"the same form with " + style.name, func([]byte) []byte { return style.write(fields) }})
	}
	for _, style := range formStyles() {
		forms = append(forms, bodyForm{"the same form, sorted by name, with " + style.name, func([]byte) []byte { return style.write(sorted) }})
	}
	return formsOf(body, forms...)
}

type formField struct{ name, value string }

// readForm reads a form in its order.
func readForm(body []byte) ([]formField, bool) {
	if len(body) > maxOriginal || bytes.Count(body, []byte("&")) >= maxFields || !bytes.ContainsRune(body, '=') {
		return nil, false
	}
	var fields []formField
	for pair := range strings.SplitSeq(strings.TrimRight(string(body), "\r\n"), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, false
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, false
		}
		fields = append(fields, formField{name, value})
	}
	return fields, true
}

// formStyle is a way to write a form.
type formStyle struct {
	name      string
	unescaped string // beside letters and digits
	space     string
	hex       string
}

const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"
)

func formStyles() []formStyle {
	return []formStyle{
		{"spaces as +, as browsers write it", "-_.*", "+", upperHex},
		{"spaces as +, as Go and Python write it", "-_.~", "+", upperHex},
		{"spaces as +, as PHP writes it", "-_.", "+", upperHex},
		{"spaces as %20, as RFC 3986 says", "-_.~", "%20", upperHex},
		{"spaces as %20, as JavaScript writes it", "-_.~!*'()", "%20", upperHex},
		{"spaces as +, in lower case", "-_.*", "+", lowerHex},
		{"spaces as +, in lower case with ~", "-_.~", "+", lowerHex},
		{"spaces as +, in lower case with !*()", "-_.!*()", "+", lowerHex},
		{"spaces as %20, in lower case", "-_.~", "%20", lowerHex},
		{"nothing escaped", "", "", ""},
	}
}

func (s formStyle) write(fields []formField) []byte {
	var out []byte
	for i, f := range fields {
		if i > 0 {
			out = append(out, '&')
		}
		out = append(s.escape(out, f.name), '=')
		out = s.escape(out, f.value)
	}
	return out
}

func (s formStyle) escape(out []byte, text string) []byte {
	if s.hex == "" {
		return append(out, text...)
	}
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(s.unescaped, c) >= 0:
			out = append(out, c)
		case c == ' ':
			out = append(out, s.space...)
		default:
			out = append(out, '%', s.hex[c>>4], s.hex[c&15])
		}
	}
	return out
}
