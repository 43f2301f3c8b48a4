package signature

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"iter"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// maxOriginal is the size in bytes of the largest body that is written in other forms.
const maxOriginal = 1 << 20

// originals lists the changes that bodies suffer on their way, the likeliest first. Each makes the bodies that the sender may have
// signed, with a text that ends "the signature fits ...".
func originals() []original {
	return []original{
		{"Line ends, white space and byte order marks", ChangedText, textForms},
		{"JSON written anew", ChangedJSON, jsonForms},
		{"Base64 left in place", Base64Left, base64Forms},
		{"Documents of gateways", Wrapped, wrappedForms},
		{"A form written anew", ChangedForm, formForms},
		{"Encodings of characters", ChangedEncoding, encodingForms},
		{"Compression", Compressed, compressedForms},
	}
}

// original is one kind of change.
type original struct {
	name  string
	cause Cause
	forms func(body []byte) iter.Seq2[string, []byte]
}

// formsOf yields those of the forms that differ from the body. A form that cannot be made is nil.
func formsOf(body []byte, forms ...bodyForm) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, f := range forms {
			if made := f.make(body); made != nil && !bytes.Equal(made, body) && !yield(f.form, made) {
				return
			}
		}
	}
}

type bodyForm struct {
	form string
	make func([]byte) []byte
}

// bom is the byte order mark of UTF-8.
const bom = "\ufeff"

func textForms(body []byte) iter.Seq2[string, []byte] {
	end := func(text string) func([]byte) []byte {
		return func(b []byte) []byte { return append(bytes.Clone(b), text...) }
	}
	unix := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }
	return formsOf(body,
		bodyForm{"the same text with a line break at its end", end("\n")},
		bodyForm{"the same text with a line break of Windows at its end", end("\r\n")},
		bodyForm{"the same text without the white space around it", func(b []byte) []byte { return append([]byte{}, bytes.TrimSpace(b)...) }},
		bodyForm{"the same text with the line breaks of Unix", unix},
		bodyForm{"the same text with the line breaks of Windows", func(b []byte) []byte { return bytes.ReplaceAll(unix(b), []byte("\n"), []byte("\r\n")) }},
		bodyForm{"the same text without line breaks", func(b []byte) []byte {
			return bytes.ReplaceAll(unix(b), []byte("\n"), nil)
		}},
		bodyForm{"the same text without the byte order mark", func(b []byte) []byte { return append([]byte{}, bytes.TrimPrefix(b, []byte(bom))...) }},
		bodyForm{"the same text with a byte order mark", func(b []byte) []byte { return append([]byte(bom), b...) }},
		bodyForm{"an empty body", func([]byte) []byte { return []byte{} }},
	)
}

func base64Forms(body []byte) iter.Seq2[string, []byte] {
	text := strings.Trim(strings.TrimSpace(string(body)), `"`)
	if len(text) < 4 || strings.ContainsAny(text[:4], "{[< ") {
		return formsOf(body)
	}
	decode := func(encoding *base64.Encoding) func([]byte) []byte {
		return func([]byte) []byte {
			decoded, err := encoding.DecodeString(text)
			if err != nil {
				return nil
			}
			return decoded
		}
	}
	return formsOf(body,
		bodyForm{"the body decoded from base64", decode(base64.StdEncoding)},
		bodyForm{"the body decoded from base64 without padding", decode(base64.RawStdEncoding)},
		bodyForm{"the body decoded from base64url", decode(base64.RawURLEncoding)},
	)
}

// wrappedForms takes the body out of a JSON string, and out of the documents of API gateways.
func wrappedForms(body []byte) iter.Seq2[string, []byte] {
	text, ok := jsonbody.Text(body)
	if !ok || len(body) > maxOriginal {
		return formsOf(body)
	}
	value := func(path string) func([]byte) []byte {
		return func([]byte) []byte {
			found := jsonbody.Get(text, path)
			switch {
			case found.Str != "":
				return []byte(found.Str)
			case found.IsObject():
				return []byte(found.Raw)
			}
			return nil
		}
	}
	decoded := func([]byte) []byte {
		inner, err := base64.StdEncoding.DecodeString(jsonbody.Get(text, "body").Str)
		if err != nil {
			return nil
		}
		return inner
	}
	return formsOf(body,
		bodyForm{"the text that the body holds as a JSON string", value("")},
		bodyForm{"the field body of the document", value("body")},
		bodyForm{"the field body of the document, decoded from base64", decoded},
		bodyForm{"the field payload of the document", value("payload")},
		bodyForm{"the field data of the document", value("data")},
	)
}

func encodingForms(body []byte) iter.Seq2[string, []byte] {
	if len(body) > maxOriginal || !bytes.ContainsFunc(body, func(r rune) bool { return r >= 0x80 }) {
		return formsOf(body)
	}
	encode := func(m *charmap.Charmap) func([]byte) []byte {
		return func(b []byte) []byte {
			encoded, err := m.NewEncoder().Bytes(b)
			if err != nil {
				return nil
			}
			return encoded
		}
	}
	decode := func(m *charmap.Charmap) func([]byte) []byte {
		return func(b []byte) []byte {
			decoded, err := m.NewDecoder().Bytes(b)
			if err != nil {
				return nil
			}
			return decoded
		}
	}
	return formsOf(body,
		bodyForm{"the same text in ISO 8859-1", encode(charmap.ISO8859_1)},
		bodyForm{"the same text in Windows-1252", encode(charmap.Windows1252)},
		bodyForm{"the same text in UTF-8, read as ISO 8859-1", decode(charmap.ISO8859_1)},
		bodyForm{"the same text in UTF-8, read as Windows-1252", decode(charmap.Windows1252)},
	)
}

// compressedForms decompresses a body.
func compressedForms(body []byte) iter.Seq2[string, []byte] {
	return formsOf(body, bodyForm{"the decompressed body", func(b []byte) []byte {
		reader, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil
		}
		text, err := io.ReadAll(io.LimitReader(reader, maxOriginal+1))
		if err != nil || len(text) > maxOriginal {
			return nil
		}
		return text
	}})
}
