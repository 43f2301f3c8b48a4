package receiver

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// Limits of XML. A document beyond them is unreadable.
const (
	maxXMLDepth  = 256
	maxXMLTokens = 200_000
)

// xmlPaths holds paths below the root, such as "a/b": true for a path to find, false for the beginning of one.
type xmlPaths map[string]bool

func (p xmlPaths) add(path string) {
	for i, c := range path {
		if _, known := p[path[:i]]; c == '/' && !known {
			p[path[:i]] = false
		}
	}
	p[path] = true
}

// read returns the texts at the paths to find. Of several elements at one path the first counts. It stops at the end of the
// root, or as soon as it has found all. It returns nil for a document with an error before that, and for a document with
// entities of its own, because encoding/xml expands the five standard entities only.
func (p xmlPaths) read(document []byte) map[string]string {
	decoder := xml.NewDecoder(bytes.NewReader(document))
	decoder.CharsetReader = asciiOnly
	found := make(map[string]string, len(p))
	var (
		at    string // path of the open element in p; "" is the root
		text  strings.Builder
		other int // number of open elements below at that are outside p
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

// asciiOnly accepts every declared charset and replaces bytes outside ASCII. A declaration can be false: Alma embeds records
// that declare UTF-16 and are UTF-8. ASCII is enough here, because the names of actions are ASCII.
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
