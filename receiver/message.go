package receiver

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
)

// message is a verified request as candidates see it. What the body is, its first character decides, not the
// Content-Type: Alma's is not documented, and others send JSON as text.
type message struct {
	header http.Header
	body   []byte
	json   []byte // nil unless the body begins as a JSON object or array
	xml    map[string]string
	form   url.Values
}

func newMessage(header http.Header, body []byte, paths xmlPaths) *message {
	m := &message{header: header, body: body}
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(text) == 0:
	case text[0] == '{' || text[0] == '[':
		m.json = text
	case text[0] == '<':
		m.xml = paths.read(text)
	case isForm(header):
		m.form, _ = url.ParseQuery(string(text)) // what could be parsed counts
	}
	return m
}

func isForm(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// first is what the first candidate that yields anything yields.
func (m *message) first(candidates []candidate) string {
	for _, c := range candidates {
		if found := m.find(c); found != "" {
			return found
		}
	}
	return ""
}

func (m *message) find(c candidate) string {
	switch c.place {
	case "json":
		return jsonText(m.json, c)
	case "xml":
		return m.xml[c.name]
	case "form":
		return m.form.Get(c.name)
	case "form-json":
		return jsonText([]byte(m.form.Get(c.field)), c)
	case "header":
		return m.header.Get(c.name)
	case "word":
		return c.name
	case "new":
		return uuid.NewString()
	}
	return ""
}

// jsonString is the string at path in a document. Numbers and the like are none: {"action":5} says nothing.
func jsonString(document []byte, path string) string {
	return jsonText(document, candidate{name: path})
}

// jsonText is what stands at the candidate's path in a document: a string, or a number where that is as good. It reads no
// further than that: whether all of it is JSON is for whoever needs the rest.
func jsonText(document []byte, c candidate) string {
	found := gjson.GetBytes(document, c.name)
	switch {
	case found.Type == gjson.String:
		return found.Str
	case found.Type == gjson.Number && c.number:
		return found.Raw
	}
	return ""
}
