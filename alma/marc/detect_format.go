package marc

import (
	"bufio"
	"bytes"
	"io"
)

// looked is how many bytes NewReader looks at: a directory of some 300 fields, behind which binary MARC 21 has a separator.
const looked = 4096

// NewReader looks at the beginning of r: "<" (in UTF-8 or UTF-16) is MARCXML, a leader's five digits and a letter or a
// separator of ISO 2709 are binary MARC 21, everything else is lines. A file with nothing in it, which may not be written
// yet, is an ErrNoMARC.
func NewReader(r io.Reader) Reader {
	in := bufio.NewReaderSize(r, looked)
	head, _ := in.Peek(looked)
	head = bytes.TrimLeft(bytes.TrimLeft(head, "\xef\xbb\xbf\xff\xfe"), " \t\r\n\x00")
	switch {
	case len(head) == 0, bytes.HasPrefix(head, []byte("<")):
		return NewXMLReader(in)
	case len(head) > 5 && allDigits(head[:5]) && head[5] >= 'a' && head[5] <= 'z', bytes.IndexByte(head, fieldEnd) >= 0:
		return NewBinaryReader(in)
	}
	return NewLineReader(in)
}

func allDigits(text []byte) bool {
	_, err := digits(text)
	return err == nil
}
