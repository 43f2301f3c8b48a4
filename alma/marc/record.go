// Package marc reads and writes bibliographic records one at a time, in constant memory: MARCXML, MARC 21 in its binary
// form (ISO 2709) and lines of text; it writes MARC-in-JSON as well.
//
// What is wrong with one record is a *BadRecord, after which the reader goes on with the next.
package marc

import (
	"errors"
	"fmt"
	"strings"
)

// MaxRecord is the longest record that is read, in bytes of its file: what is longer is no record but a broken file.
const MaxRecord = 16 << 20

// Record is one MARC 21 record. All its texts are UTF-8.
type Record struct {
	// Leader has 24 characters. Its lengths (00-04, 12-16) are those of the file the record came from.
	Leader string
	// Fields in the order of the file.
	Fields []Field
}

// Field is a control field, which has a Value, or a data field, which has indicators and Subfields.
type Field struct {
	// Tag has 3 characters, digits or letters.
	Tag string
	// Value is a control field's.
	Value string
	// Ind1 and Ind2 are a data field's, a blank for an undefined one; 0 in a control field.
	Ind1, Ind2 byte
	Subfields  []Subfield
}

// Subfield is a code, an ASCII character, and its value.
type Subfield struct {
	Code  byte
	Value string
}

// Control tells whether f is a control field.
func (f Field) Control() bool { return f.Ind1 == 0 }

// Set gives a control field (code 0), or the first subfield of a code, a value; a subfield that is not there is added.
func (f *Field) Set(code byte, value string) {
	if code == 0 {
		f.Value = value
		return
	}
	for i := range f.Subfields {
		if f.Subfields[i].Code == code {
			f.Subfields[i].Value = value
			return
		}
	}
	f.Subfields = append(f.Subfields, Subfield{code, value})
}

// ID is the value of field 001, or empty.
func (r Record) ID() string {
	for _, f := range r.Fields {
		if f.Tag == "001" {
			return f.Value
		}
	}
	return ""
}

// Reader gives one record after the other, then io.EOF. After a *BadRecord it goes on with the next record; after
// any other error it cannot.
type Reader interface {
	Read() (Record, error)
	// At is the number of the record that was read last, from 1, and where it begins, as in BadRecord.
	At() (number int, offset int64)
}

// Writer writes records to one file. Close ends the file and leaves what it was written to open. A *BadRecord says that
// the format cannot hold the record; nothing of it was written.
type Writer interface {
	Write(r Record) error
	Close() error
}

// BadRecord says what is wrong with one record, and where it stands.
type BadRecord struct {
	// Number counts the records of the file from 1, bad ones included.
	Number int
	// Offset is where it begins, in bytes of the (unpacked) file from 0; of one in UTF-16, as UTF-8, and after a byte order mark.
	Offset int64
	Err    error
}

// Error names the place. It quotes no value of the record.
func (e *BadRecord) Error() string {
	return fmt.Sprintf("record %d at byte %d: %v", e.Number, e.Offset, e.Err)
}

// Unwrap returns what is wrong.
func (e *BadRecord) Unwrap() error { return e.Err }

// ErrNoMARC says that a file holds no record, and is not an empty collection either.
var ErrNoMARC = errors.New("holds no MARC records")

var errNotUTF8 = errors.New("holds invalid UTF-8")

// check tells what keeps a record from being one.
func (r Record) check() error {
	if len(r.Leader) != leaderLength {
		return fmt.Errorf("leader has %d characters, not %d", len(r.Leader), leaderLength)
	}
	for _, f := range r.Fields {
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

func (f Field) check() error {
	if len(f.Tag) != tagLength || strings.ContainsFunc(f.Tag, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("a field's tag is %.10q, not three characters", f.Tag)
	}
	if f.Control() {
		return nil
	}
	for _, c := range [...]byte{f.Ind1, f.Ind2} {
		if c < ' ' || c > '~' {
			return fmt.Errorf("field %s: an indicator is not one ASCII character", f.Tag)
		}
	}
	for _, s := range f.Subfields {
		if s.Code <= ' ' || s.Code > '~' {
			return fmt.Errorf("field %s: a subfield's code is not one ASCII character", f.Tag)
		}
	}
	return nil
}

const (
	leaderLength = 24
	tagLength    = 3
)
