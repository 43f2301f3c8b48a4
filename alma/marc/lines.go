package marc

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf8"
)

// LineTag is the tag of the one control field in a record that represents a line of text.
const LineTag = "LIN"

// lineReader reads lines.
type lineReader struct {
	in     *bufio.Reader
	number int
	offset int64 // of the next line
	begin  int64 // of the latest line
}

// NewLineReader reads a text line by line: each line is a record with one control field, LineTag, without the line end (LF or
// CR LF). A line longer than MaxRecord, or not in UTF-8, is a *BadRecord.
func NewLineReader(r io.Reader) Reader {
	return &lineReader{in: bufio.NewReaderSize(decoded(r), 64<<10)}
}

func (l *lineReader) Read() (Record, error) {
	var line []byte
	l.begin = l.offset
	tooLong := false
	for {
		chunk, err := l.in.ReadSlice('\n')
		l.offset += int64(len(chunk))
		if tooLong = tooLong || len(line)+len(chunk) > MaxRecord; !tooLong {
			line = append(line, chunk...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || l.offset == l.begin) {
			return Record{}, err
		}
		l.number++
		if tooLong {
			return Record{}, &BadRecord{l.number, l.begin, errTooLong}
		}
		if !utf8.Valid(line) {
			return Record{}, &BadRecord{l.number, l.begin, errNotUTF8}
		}
		return Record{Fields: []Field{{Tag: LineTag, Value: trimEnd(string(line))}}}, nil
	}
}

func (l *lineReader) At() (number int, offset int64) { return l.number, l.begin }

func trimEnd(line string) string {
	for range 2 {
		if n := len(line); n > 0 && (line[n-1] == '\n' || line[n-1] == '\r') {
			line = line[:n-1]
		}
	}
	return line
}

// lineWriter writes lines.
type lineWriter struct{ out io.Writer }

// NewLineWriter writes the field LineTag of each record as a line. A record without one is a *BadRecord.
func NewLineWriter(w io.Writer) Writer { return lineWriter{w} }

func (l lineWriter) Write(r Record) error {
	for _, f := range r.Fields {
		if f.Tag == LineTag {
			_, err := io.WriteString(l.out, f.Value+"\n")
			return err
		}
	}
	return &BadRecord{Err: errors.New("is not a line of text, as write.format: lines needs; choose another format")}
}

func (l lineWriter) Close() error { return nil }
