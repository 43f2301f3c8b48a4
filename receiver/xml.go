package receiver

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// Limits on XML; a document beyond them is unreadable.
const (
	maxXMLDepth  = 256
	maxXMLTokens = 200_000
)

// xmlPaths are paths below the root, "a/b": true for those that are looked for, false for those on the way to one.
type xmlPaths map[string]bool

func (p xmlPaths) add(path string) {
	for i, c := range path {
		if _, known := p[path[:i]]; c == '/' && !known {
			p[path[:i]] = false
		}
	}
	p[path] = true
}

// read finds the texts at the paths that are looked for; of several at one path the first counts. It stops at the
// root's end, or as soon as it has all. A document that is broken before that yields nothing, and so does one that uses
// entities of its own: encoding/xml knows the five standard ones and expands no other.
func (p xmlPaths) read(document []byte) map[string]string {
	decoder := xml.NewDecoder(bytes.NewReader(document))
	decoder.CharsetReader = asciiOnly
	found := make(map[string]string, len(p))
	var (
		at    string // the open element on the way to something; "" is the root
		text  strings.Builder
		other int // open elements below at that lead nowhere
		root  bool
	)
	for range maxXMLTokens {
		token, err := decoder.Token()
		if err != nil {
			return nil
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !root {
				root = true
				continue
			}
			below := strings.TrimPrefix(at+"/"+t.Name.Local, "/")
			if _, leads := p[below]; leads && other == 0 {
				at = below
				text.Reset()
			} else if other++; other > maxXMLDepth {
				return nil
			}
		case xml.CharData:
			if p[at] && other == 0 {
				text.Write(t)
			}
		case xml.EndElement:
			if other > 0 {
				other--
				continue
			}
			if at == "" {
				return found
			}
			if _, known := found[at]; p[at] && !known {
				found[at] = strings.TrimSpace(text.String())
				if p.complete(found) {
					return found
				}
			}
			at = at[:max(0, strings.LastIndexByte(at, '/'))]
		}
	}
	return nil
}

func (p xmlPaths) complete(found map[string]string) bool {
	for path, wanted := range p {
		if _, ok := found[path]; wanted && !ok {
			return false
		}
	}
	return true
}

// asciiOnly lets a document pass that declares a charset other than UTF-8. Alma embeds records that declare UTF-16 and
// travel as UTF-8, so the declaration proves nothing; names of actions are ASCII, and the rest is not read here.
func asciiOnly(_ string, in io.Reader) (io.Reader, error) { return asciiReader{in}, nil }

type asciiReader struct{ io.Reader }

func (r asciiReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for i, b := range p[:n] {
		if b >= 0x80 {
			p[i] = '?'
		}
	}
	return n, err
}
