package file

import (
	"bytes"
	"mime"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

// extension returns the value of {ext}: .json, .xml, .form or .txt by the content type. For other content types it is .json
// or .xml by the body's first character, else .bin.
func extension(e event.Event) string {
	kind, _, _ := mime.ParseMediaType(e.ContentType)
	switch {
	case kind == "application/json", kind == "text/json", strings.HasSuffix(kind, "+json"):
		return ".json"
	case kind == "application/xml", kind == "text/xml", strings.HasSuffix(kind, "+xml"):
		return ".xml"
	case kind == "application/x-www-form-urlencoded":
		return ".form"
	case strings.HasPrefix(kind, "text/"):
		return ".txt"
	}
	body := bytes.TrimLeft(bytes.TrimPrefix(e.Data, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(body, []byte("{")), bytes.HasPrefix(body, []byte("[")):
		return ".json"
	case bytes.HasPrefix(body, []byte("<")):
		return ".xml"
	}
	return ".bin"
}
