package console

import (
	"encoding/hex"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// maxBytesShown is the size in bytes of the part of a body that is shown as bytes.
const maxBytesShown = 8 << 10

// body is an event's body, in one of three views.
type body struct {
	Form string // JSON, XML, Form, Text or Bytes
	As   string // view: tree, text or bytes
	Size int
	Tree *node
	Text string
	Rows []row
	Cut  bool // Rows has a part
	Kept bool
}

// row is a line of bytes.
type row struct{ Offset, Hex, Text string }

// HasTree reports whether the body has parts.
func (b body) HasTree() bool { return b.Form == "JSON" || b.Form == "XML" || b.Form == "Form" }

// Extension is that of a file's name for the body.
func (b body) Extension() string {
	switch b.Form {
	case "JSON":
		return "json"
	case "XML":
		return "xml"
	case "Bytes":
		return "bin"
	}
	return "txt"
}

// bodyOf returns a body in a view; without a wish, in the most telling one that it has.
func bodyOf(d journal.Detail, as string) body {
	b := body{Size: len(d.Data), Kept: d.Kept, As: as}
	tree := (*node)(nil)
	text, isJSON := jsonbody.Text(d.Data)
	switch {
	case isJSON:
		b.Form = "JSON"
		tree = jsonTree(text)
	case strings.Contains(d.ContentType, "x-www-form-urlencoded"):
		b.Form = "Form"
		tree = formTree(string(d.Data))
	case len(jsonbody.Trim(d.Data)) > 0 && jsonbody.Trim(d.Data)[0] == '<':
		if tree = xmlTree(jsonbody.Trim(d.Data)); tree != nil {
			b.Form = "XML"
		} else {
			b.Form = "Text"
		}
	case utf8.Valid(d.Data) && !strings.ContainsRune(string(d.Data), 0):
		b.Form = "Text"
	default:
		b.Form = "Bytes"
	}
	if b.As == "" || b.As == "tree" && !b.HasTree() {
		b.As = map[bool]string{true: "tree", false: "text"}[b.HasTree()]
		if b.Form == "Bytes" {
			b.As = "bytes"
		}
	}
	switch b.As {
	case "tree":
		b.Tree = tree
	case "bytes":
		b.Rows, b.Cut = rows(d.Data)
	default:
		b.As, b.Text = "text", string(d.Data)
	}
	return b
}

func rows(data []byte) (all []row, cut bool) {
	if cut = len(data) > maxBytesShown; cut {
		data = data[:maxBytesShown]
	}
	for at := 0; at < len(data); at += 16 {
		part := data[at:min(at+16, len(data))]
		shown := strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7e {
				return '·'
			}
			return r
		}, latin(part))
		digits := hex.EncodeToString(part)
		var spaced []string
		for i := 0; i < len(digits); i += 2 {
			spaced = append(spaced, digits[i:i+2])
		}
		all = append(all, row{hex.EncodeToString([]byte{byte(at >> 16), byte(at >> 8), byte(at)}), strings.Join(spaced, " "), shown})
	}
	return all, cut
}

// latin makes a character of each byte.
func latin(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

// formTree returns the fields of a form, in their order.
func formTree(data string) *node {
	root := &node{Kind: "object", Open: true}
	for pair := range strings.SplitSeq(data, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		root.add(&node{Key: unescapeForm(name), Named: true, Kind: "string", Text: unescapeForm(value)})
	}
	return root
}

func unescapeForm(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
