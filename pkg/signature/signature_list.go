package signature

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// maxSignatures limits the number of signatures that are compared for one request: a rotation needs two or three.
const maxSignatures = 16

// signatureList reads and writes the signatures of a request.
type signatureList struct {
	location  location
	separator string
	prefix    string
	encoding  Encoding
	size      int // bytes of one signature
}

// items returns the trimmed items of the value at the list's location. They are not checked yet.
func (l signatureList) items(r Request) ([]string, error) {
	value, err := l.location.read(r)
	if err != nil {
		return nil, err
	}
	if l.separator == "" {
		return []string{value}, nil
	}
	items := strings.SplitN(value, l.separator, maxSignatures+1)
	if len(items) > maxSignatures {
		return nil, refuse(Malformed, l.location.String()+" is a list that is too long")
	}
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
	}
	return items, nil
}

// signatures decodes the valid items. It refuses a list without any.
func (l signatureList) signatures(items []string) ([][]byte, error) {
	var out [][]byte
	detail := l.location.String() + " does not begin with " + l.prefix
	for _, item := range items {
		text, ok := strings.CutPrefix(item, l.prefix)
		if !ok {
			continue
		}
		if signature, ok := l.decode(text); ok {
			out = append(out, signature)
		} else {
			detail = l.location.String() + " is not " + string(l.encoding) + " of the right length"
		}
	}
	if len(out) == 0 {
		return nil, refuse(Malformed, detail)
	}
	return out, nil
}

// item returns the value of the one item KEY=VALUE.
func (l signatureList) item(items []string, p location) (string, error) {
	var found []string
	for _, item := range items {
		if value, ok := strings.CutPrefix(item, p.name+"="); ok {
			found = append(found, value)
		}
	}
	return p.only(found)
}

// decode is strict: the whole text has to be valid and of the right length.
func (l signatureList) decode(text string) ([]byte, bool) {
	var signature []byte
	var err error
	switch {
	case l.encoding == Hex && len(text) == hex.EncodedLen(l.size):
		signature, err = hex.DecodeString(text)
	case l.encoding == Base64 && len(text) == base64.StdEncoding.EncodedLen(l.size):
		signature, err = base64.StdEncoding.Strict().DecodeString(text)
	case l.encoding == Base64URL && len(text) == base64.URLEncoding.EncodedLen(l.size):
		signature, err = base64.URLEncoding.Strict().DecodeString(text)
	case l.encoding == Base64URL && len(text) == base64.RawURLEncoding.EncodedLen(l.size):
		signature, err = base64.RawURLEncoding.Strict().DecodeString(text)
	}
	return signature, err == nil && len(signature) == l.size // the base64 decoders skip line breaks
}

// write writes one signature, and the timestamp if it is an item of the list.
func (l signatureList) write(r *Request, signature []byte, timestampItem string) error {
	text := l.prefix + l.encode(signature)
	if timestampItem != "" {
		text = timestampItem + l.separator + text
	}
	return l.location.write(r, text)
}

func (l signatureList) encode(signature []byte) string {
	switch l.encoding {
	case Base64:
		return base64.StdEncoding.EncodeToString(signature)
	case Base64URL:
		return base64.RawURLEncoding.EncodeToString(signature)
	}
	return hex.EncodeToString(signature)
}
