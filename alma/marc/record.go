// Package marc reads and writes bibliographic records one at a time, in constant memory: MARCXML, MARC 21 in its binary
// form (ISO 2709) and lines of text; it writes MARC-in-JSON as well.
//
// An invalid record gives a *BadRecord. The reader then continues with the next record.
package marc

import (
	"errors"
	"fmt"
	"strings"
)

// MaxRecord is the longest record, in bytes of its file. Longer data means a broken file.
const MaxRecord = 16 << 20

// Record is one MARC 21 record. All its texts are UTF-8.
type Record struct {
	// Leader has 24 characters. Its lengths (00-04, 12-16) are those of the record's file.
	Leader string
	// Fields in the order of the file.
	Fields []Field
}

// Field is a control field, which has a Value, or a data field, which has indicators and Subfields.
type Field struct {
	// Tag has 3 characters, digits or letters.
	Tag string
	// Value is the value of a control field.
	Value string
	// Ind1 and Ind2 are the indicators of a data field, a blank for an undefined one; 0 in a control field.
	Ind1, Ind2 byte
	Subfields  []Subfield
}

// Subfield is a code, an ASCII character, and its value.
type Subfield struct {
	Code  byte
	Value string
}

// Control reports whether f is a control field.
func (f Field) Control() bool { return f.Ind1 == 0 }

// Set sets the value of a control field (code 0) or of the first subfield with a code. It adds a missing subfield.
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

// ID returns the value of field 001, or "".
func (r Record) ID() string {
	for _, f := range r.Fields {
		if f.Tag == "001" {
			return f.Value
		}
	}
	return ""
}

// Reader returns the records of a file one after the other, then io.EOF. It continues after a *BadRecord, but not after
// another error.
type Reader interface {
	Read() (Record, error)
	// At returns the number of the latest record, from 1, and its offset, as in BadRecord.
	At() (number int, offset int64)
}

// Writer writes records to one file. Close ends the file, but does not close the underlying writer. A *BadRecord says that
// the format cannot hold the record, and that no part of it was written.
type Writer interface {
	Write(r Record) error
	Close() error
}

// BadRecord is the error of one invalid record, with its position.
type BadRecord struct {
	// Number counts the records of the file from 1, including bad ones.
	Number int
	// Offset is its first byte in the (unpacked) file, from 0. For UTF-16 it counts bytes of UTF-8, without the byte order mark.
	Offset int64
	Err    error
}

// Error returns the position and the error. It quotes no value of the record.
func (e *BadRecord) Error() string {
	return fmt.Sprintf("record %d at byte %d: %v", e.Number, e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *BadRecord) Unwrap() error { return e.Err }

// ErrNoMARC says that a file is neither a file of records nor an empty collection.
var ErrNoMARC = errors.New("holds no MARC records")

var errNotUTF8 = errors.New("holds invalid UTF-8")

// check returns the first reason why the record is invalid.
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
