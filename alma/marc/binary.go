package marc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// The separators of ISO 2709.
const (
	recordEnd     = 0x1d
	fieldEnd      = 0x1e
	subfieldBegin = 0x1f
)

const (
	entryLength     = 12     // of a directory entry: tag, length (4), start (5)
	maxBinary       = 99_999 // longest record in bytes: its length has 5 digits
	maxBinaryField  = 9_999
	blank, coding   = ' ', 9 // position of the character coding scheme in the leader
	codingIsUnicode = 'a'
)

// binaryReader reads ISO 2709.
type binaryReader struct {
	in     *bufio.Reader
	number int
	offset int64 // of the next record
	begin  int64 // of the latest record
	record []byte
}

// NewBinaryReader reads MARC 21 in its binary form (ISO 2709). A record ends at its terminator. If the leader
// gives another length, or the directory does not fit, the record is a *BadRecord. The text has to be UTF-8 (or
// ASCII), not MARC-8. A file that ends inside a record gives an io.ErrUnexpectedEOF.
func NewBinaryReader(r io.Reader) Reader {
	return &binaryReader{in: bufio.NewReaderSize(r, 64<<10)}
}

func (b *binaryReader) Read() (Record, error) {
	err := b.next()
	if err != nil && !errors.Is(err, errTooLong) {
		return Record{}, err
	}
	b.number++
	var r Record
	if err == nil {
		r, err = parseBinary(b.record)
	}
	if err != nil {
		return Record{}, &BadRecord{b.number, b.begin, err}
	}
	return r, nil
}

func (b *binaryReader) At() (number int, offset int64) { return b.number, b.begin }

// next reads up to the end of a record. It skips a record longer than MaxRecord and returns errTooLong.
func (b *binaryReader) next() error {
	b.record = b.record[:0]
	b.begin = b.offset
	tooLong := false
	for {
		chunk, err := b.in.ReadSlice(recordEnd)
		b.offset += int64(len(chunk))
		if len(b.record) == 0 { // some writers put line ends between records
			trimmed := bytes.TrimLeft(chunk, "\r\n \x00")
			b.begin = b.offset - int64(len(trimmed))
			chunk = trimmed
		}
		if tooLong = tooLong || len(b.record)+len(chunk) > MaxRecord; !tooLong {
			b.record = append(b.record, chunk...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(b.record) > 0:
			return errCutOff
		case err != nil:
			return err
		case tooLong:
			return errTooLong
		default:
			return nil
		}
	}
}

// parseBinary parses one record with its terminator.
func parseBinary(raw []byte) (Record, error) {
	if len(raw) < leaderLength+2 {
		return Record{}, fmt.Errorf("has %d bytes, fewer than a leader", len(raw))
	}
	r := Record{Leader: string(raw[:leaderLength])}
	length, err := digits(raw[:5])
	if err != nil || length != len(raw) && (len(raw) <= maxBinary || length != maxBinary) {
		return Record{}, fmt.Errorf("the leader says %q bytes, the record has %d", raw[:5], len(raw))
	}
	if !utf8.Valid(raw) {
		if raw[coding] != codingIsUnicode {
			return Record{}, errors.New("is not in UTF-8, perhaps in MARC-8; export as Unicode")
		}
		return Record{}, errNotUTF8
	}
	base, err := digits(raw[12:17])
	if err != nil || base <= leaderLength || base > len(raw) || raw[base-1] != fieldEnd || (base-1-leaderLength)%entryLength != 0 {
		return Record{}, fmt.Errorf("the leader says that data begins at %q, where the directory does not end", raw[12:17])
	}
	for entry := raw[leaderLength : base-1]; len(entry) > 0; entry = entry[entryLength:] {
		f, err := parseEntry(entry, raw[base:])
		if err != nil {
			return Record{}, err
		}
		r.Fields = append(r.Fields, f)
	}
	return r, r.check()
}

// parseEntry parses the field of a directory entry.
func parseEntry(entry, data []byte) (Field, error) {
	f := Field{Tag: string(entry[:tagLength])}
	length, err := digits(entry[3:7])
	begin, err2 := digits(entry[7:12])
	if err != nil || err2 != nil || length < 1 || begin+length >= len(data) || data[begin+length-1] != fieldEnd {
		return f, fmt.Errorf("the directory's entry for field %.3q points to no field", f.Tag)
	}
	text := data[begin : begin+length-1]
	if bytes.IndexByte(text, fieldEnd) >= 0 || bytes.IndexByte(text, recordEnd) >= 0 {
		return f, fmt.Errorf("the directory's entry for field %.3q points to several fields", f.Tag)
	}
	parts := bytes.Split(text, []byte{subfieldBegin})
	if f.Tag[:2] == "00" || len(parts) == 1 {
		f.Value = string(text)
		return f, nil
	}
	if len(parts[0]) != 2 {
		return f, fmt.Errorf("field %.3q lacks its two indicators", f.Tag)
	}
	f.Ind1, f.Ind2 = parts[0][0], parts[0][1]
	for _, part := range parts[1:] {
		if len(part) == 0 {
			return f, fmt.Errorf("field %.3q has a subfield without a code", f.Tag)
		}
		f.Subfields = append(f.Subfields, Subfield{part[0], string(part[1:])})
	}
	return f, nil
}

// digits parses a number of digits only.
func digits(text []byte) (int, error) {
	n, err := strconv.ParseUint(string(text), 10, 32)
	return int(n), err
}

// binaryWriter writes ISO 2709.
type binaryWriter struct {
	out       io.Writer
	directory appender
	data      appender
}

// NewBinaryWriter writes MARC 21 in its binary form, in UTF-8. A record of more than 99,999 bytes, or a field of more
// than 9,999, is a *BadRecord: the form cannot hold it.
func NewBinaryWriter(w io.Writer) Writer { return &binaryWriter{out: w} }

func (b *binaryWriter) Write(r Record) error {
	if err := r.check(); err != nil {
		return &BadRecord{Err: err}
	}
	b.directory, b.data = b.directory[:0], b.data[:0]
	for _, f := range r.Fields {
		begin := len(b.data)
		b.field(f)
		if length := len(b.data) - begin; length > maxBinaryField || begin > maxBinary {
			return &BadRecord{Err: fmt.Errorf("field %s has %d bytes; MARC 21 holds %d", f.Tag, length, maxBinaryField)}
		}
		b.directory = fmt.Appendf(b.directory, "%s%04d%05d", f.Tag, len(b.data)-begin, begin)
	}
	b.directory = append(b.directory, fieldEnd)
	b.data = append(b.data, recordEnd)
	base := leaderLength + len(b.directory)
	length := base + len(b.data)
	if length > maxBinary {
		return &BadRecord{Err: fmt.Errorf("has %d bytes; MARC 21 holds %d", length, maxBinary)}
	}
	leader := fmt.Sprintf("%05d%s%c%s%05d%s", length, r.Leader[5:coding], codingIsUnicode, r.Leader[coding+1:12], base, r.Leader[17:])
	_, err := b.out.Write(append(append([]byte(leader), b.directory...), b.data...))
	return err
}

// field appends f. It replaces separators in a value with blanks, because they would cut the record in two.
func (b *binaryWriter) field(f Field) {
	if !f.Control() {
		b.data = append(b.data, f.Ind1, f.Ind2)
		for _, s := range f.Subfields {
			b.data = append(b.data, subfieldBegin, s.Code)
			b.value(s.Value)
		}
	}
	b.value(f.Value)
	b.data = append(b.data, fieldEnd)
}

func (b *binaryWriter) value(s string) {
	begin := len(b.data)
	b.data.text(s)
	for i, c := range b.data[begin:] {
		if c >= recordEnd && c <= subfieldBegin {
			b.data[begin+i] = blank
		}
	}
}

// Close writes nothing: the format has no end of file.
func (b *binaryWriter) Close() error { return nil }
