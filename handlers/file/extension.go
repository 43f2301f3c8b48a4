package file

import (
	"bytes"
	"mime"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

// extension returns the value of {ext}: the kind of the body, and after it the compression that the sender used, as in .json.gz.
func extension(e event.Event) string {
	switch strings.ToLower(e.Header["Content-Encoding"]) {
	case "", "identity":
		return kindExtension(e)
	case "gzip", "x-gzip":
		return kindExtension(e) + ".gz"
	case "br":
		return kindExtension(e) + ".br"
	case "zstd":
		return kindExtension(e) + ".zst"
	}
	return kindExtension(e) + ".encoded"
}

// kindExtension returns .json, .xml, .form or .txt by the content type. For other content types it is .json or .xml by the body's
// first character, else .bin.
func kindExtension(e event.Event) string {
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
