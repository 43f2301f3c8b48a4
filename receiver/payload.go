package receiver

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// payload is a verified request with its body parsed. The body's first character decides on its format, because Alma leaves
// its Content-Type undocumented, and other senders send JSON as text. Content-Type decides only between form and text.
type payload struct {
	header http.Header
	body   []byte
	json   []byte            // nil unless the body is a JSON object or array; see package jsonbody
	xml    map[string]string // texts by path
	form   url.Values
}

func newPayload(header http.Header, body []byte, paths xmlPaths) *payload {
	p := &payload{header: header, body: body}
	text := jsonbody.Trim(body)
	switch {
	case len(text) == 0:
	case text[0] == '{' || text[0] == '[':
		p.json = validJSON(text)
	case text[0] == '<':
		p.xml = paths.read(text)
	case isForm(header):
		p.form, _ = url.ParseQuery(string(text)) // a form with mistakes has its valid fields
	}
	return p
}

// validJSON returns the text of a body that is JSON, otherwise nil.
func validJSON(body []byte) []byte {
	if text, ok := jsonbody.Text(body); ok {
		return text
	}
	return nil
}

func isForm(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// first returns the first text that a candidate finds, or "".
func (p *payload) first(candidates []candidate) string {
	for _, c := range candidates {
		if found := p.find(c); found != "" {
			return found
		}
	}
	return ""
}

func (p *payload) find(c candidate) string {
	switch c.place {
	case "json":
		return jsonText(p.json, c)
	case "xml":
		return p.xml[c.name]
	case "form":
		return p.form.Get(c.name)
	case "form-json":
		return jsonText(validJSON([]byte(p.form.Get(c.field))), c)
	case "header":
		return p.header.Get(c.name)
	case "word":
		return c.name
	case "new":
		return uuid.NewString()
	}
	return ""
}

// jsonString returns the string at path in a document, or "" for another value, such as the number in {"action":5}.
func jsonString(document []byte, path string) string {
	return jsonText(document, candidate{name: path})
}

// jsonText returns the string at the candidate's path in a document, or the number if the candidate allows one.
func jsonText(document []byte, c candidate) string {
	found := jsonbody.Get(document, c.name)
	switch {
	case found.Type == gjson.String:
		return found.Str
	case found.Type == gjson.Number && c.number:
		return found.Raw
	}
	return ""
}
