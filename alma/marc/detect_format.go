package marc

import (
	"bufio"
	"bytes"
	"io"
)

// headSize is how many bytes NewReader reads ahead, for a directory of some 300 fields: binary MARC 21 has a separator after it.
const headSize = 4096

// NewReader detects the format by the beginning of r: "<" (in UTF-8 or UTF-16) is MARCXML; a leader's five digits and a letter, or a
// separator of ISO 2709, are binary MARC 21; all else is lines of text. An empty file, which may not be written
// yet, gives an ErrNoMARC.
func NewReader(r io.Reader) Reader {
	in := bufio.NewReaderSize(r, headSize)
	head, _ := in.Peek(headSize)
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
