package marc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// xmlSplitter cuts a stream of XML into its record elements without parsing them, so that a malformed record does not affect
// the others. It skips all else.
type xmlSplitter struct {
	in     *bufio.Reader
	offset int64  // of the next byte
	root   string // name of the first element around the records
	open   bool   // root is still open
	record []byte
	begin  int64 // offset of record
	markup []byte
	held   bool // markup is the start of a record inside another record
}

var (
	errNested  = errors.New("the next record begins before this one ends")
	errTooLong = fmt.Errorf("is longer than %d bytes", MaxRecord)
	errCutOff  = fmt.Errorf("the file is cut off: %w", io.ErrUnexpectedEOF)
)

// next returns the bytes of one record element, which are valid until the next call. After errNested and errTooLong, the next call
// continues. Other errors are io.EOF, or errors of the stream. begin is the offset of the record.
func (s *xmlSplitter) next() ([]byte, error) {
	s.record = s.record[:0]
	for inside := false; ; {
		if !s.held {
			if err := s.read(inside); err != nil {
				return nil, err
			}
		}
		kind, name := s.tag()
		record := string(name) == "record"
		switch {
		case record && kind == startTag && inside:
			s.held = true
			return nil, errNested
		case record && kind != endTag:
			inside, s.held = true, false
			s.begin = s.offset - int64(len(s.markup))
		case !inside:
			s.around(kind, name)
			continue
		}
		s.record = append(s.record, s.markup...)
		switch {
		case record && kind != startTag:
			return s.record, nil
		case len(s.record) > MaxRecord:
			return nil, errTooLong
		}
	}
}

// around follows the outermost element only, because the elements around a bad record may not match.
func (s *xmlSplitter) around(kind tagKind, name []byte) {
	root := string(name[:min(len(name), 40)])
	if s.root == "" && kind != noTag {
		s.root = root
	}
	if root == s.root && kind != noTag {
		s.open = kind == startTag
	}
}

// read reads characters up to the next markup, and then the markup. It keeps the characters inside a record.
func (s *xmlSplitter) read(inside bool) error {
	for {
		chunk, err := s.in.ReadSlice('<')
		s.offset += int64(len(chunk))
		if err == nil {
			chunk = chunk[:len(chunk)-1]
		}
		if inside {
			s.record = append(s.record, chunk...)
		}
		switch {
		case err == nil:
			return s.readMarkup()
		case errors.Is(err, io.EOF) && (inside || s.open):
			return errCutOff
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		case len(s.record) > MaxRecord:
			return errTooLong
		}
	}
}

// readMarkup reads a tag, comment, CDATA section or instruction after its "<". A ">" in the value of an
// attribute ends the tag too early. That is harmless, because all bytes are kept.
func (s *xmlSplitter) readMarkup() error {
	s.markup = append(s.markup[:0], '<')
	for {
		chunk, err := s.in.ReadSlice('>')
		s.offset += int64(len(chunk))
		s.markup = append(s.markup, chunk...)
		switch {
		case err == nil && whole(s.markup):
			return nil
		case errors.Is(err, io.EOF):
			return errCutOff
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		case len(s.markup) > MaxRecord:
			return errTooLong
		}
	}
}

// whole reports whether the markup is complete at its ">".
func whole(markup []byte) bool {
	for _, m := range [...]struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if bytes.HasPrefix(markup, []byte(m.begin)) {
			return bytes.HasSuffix(markup[len(m.begin):], []byte(m.end))
		}
	}
	return true
}

type tagKind int

const (
	startTag tagKind = iota
	endTag
	emptyTag
	noTag // a comment, CDATA, an instruction, a declaration
)

// tag returns the kind and the local name of the markup.
func (s *xmlSplitter) tag() (tagKind, []byte) {
	kind, m := startTag, s.markup[1:len(s.markup)-1]
	switch {
	case len(m) == 0 || m[0] == '!' || m[0] == '?':
		return noTag, nil
	case m[0] == '/':
		kind, m = endTag, m[1:]
	case m[len(m)-1] == '/':
		kind, m = emptyTag, m[:len(m)-1]
	}
	if i := bytes.IndexAny(m, " \t\r\n"); i >= 0 {
		m = m[:i]
	}
	m = m[bytes.IndexByte(m, ':')+1:]
	return kind, m
}
