// Package stamp records when a handler began with an event: the sender puts number and time into the event's ID, and
// the handler writes number and age to a file.
package stamp

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

const (
	numberLength = 12
	timeLength   = 19
	// IDLength is the length of an ID: number, dash, Unix time in ns.
	IDLength = numberLength + 1 + timeLength
	// recordLength is the length of a record: number and age.
	recordLength = 16
)

// PutID writes the ID of an event, with its number and due time, into the IDLength bytes of id.
func PutID(id []byte, number uint64, due time.Time) {
	digits(id[:numberLength], number)
	id[numberLength] = '-'
	digits(id[numberLength+1:], uint64(due.UnixNano()))
}

func digits(into []byte, n uint64) {
	for i := len(into) - 1; i >= 0; i-- {
		into[i] = '0' + byte(n%10)
		n /= 10
	}
}

// ParseID parses an ID of PutID.
func ParseID(id string) (number uint64, due time.Time, err error) {
	if len(id) != IDLength {
		return 0, time.Time{}, fmt.Errorf("%q is not a stamped ID", id)
	}
	number, err = strconv.ParseUint(id[:numberLength], 10, 64)
	if err != nil {
		return 0, time.Time{}, err
	}
	ns, err := strconv.ParseInt(id[numberLength+1:], 10, 64)
	return number, time.Unix(0, ns), err
}

// File is the file of the records. Several processes can share it.
type File struct{ file *os.File }

// Open opens the file, or makes it.
func Open(name string) (File, error) {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return File{file}, err
}

// Write records that an event is being handled now.
func (f File) Write(id string) error {
	number, due, err := ParseID(id)
	if err != nil {
		return err
	}
	record := make([]byte, 0, recordLength)
	record = binary.LittleEndian.AppendUint64(record, number)
	record = binary.LittleEndian.AppendUint64(record, uint64(time.Since(due)))
	_, err = f.file.Write(record)
	return err
}

// Record is one handled event.
type Record struct {
	Number uint64
	Age    time.Duration // when its handler began
}

// Read returns all records in the order of their writing.
func Read(name string) ([]Record, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := io.ReadAll(file)
	var records []Record
	for ; len(all) >= recordLength; all = all[recordLength:] {
		records = append(records, Record{binary.LittleEndian.Uint64(all), time.Duration(binary.LittleEndian.Uint64(all[8:]))})
	}
	return records, err
}
