package marc

import (
	"bufio"
	"bytes"
	"io"
)

// NewReader looks at the beginning of r: "<" (in UTF-8 or UTF-16) is MARCXML, five digits and a letter are the leader of
// binary MARC 21, everything else is lines. A file with nothing in it, which may not be written yet, is an ErrNoMARC.
func NewReader(r io.Reader) Reader {
	in := bufio.NewReader(r)
	head, _ := in.Peek(64)
	head = bytes.TrimLeft(bytes.TrimLeft(head, "\xef\xbb\xbf\xff\xfe"), " \t\r\n\x00")
	switch {
	case len(head) == 0, bytes.HasPrefix(head, []byte("<")):
		return NewXMLReader(in)
	case len(head) > 5 && allDigits(head[:5]) && head[5] >= 'a' && head[5] <= 'z':
		return NewBinaryReader(in)
	}
	return NewLineReader(in)
}

func allDigits(text []byte) bool {
	_, err := digits(text)
	return err == nil
}
