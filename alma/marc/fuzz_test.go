package marc_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"testing"

	"github.com/hookline/hookline/alma/marc"
)

// FuzzRead reads anything in each way, and writes what it found in each form.
func FuzzRead(f *testing.F) {
	var seed bytes.Buffer
	for _, make := range []func(io.Writer) marc.Writer{marc.NewXMLWriter, marc.NewBinaryWriter} {
		seed.Reset()
		w := make(&seed)
		_ = w.Write(book("1", "x"))
		_ = w.Close()
		f.Add(bytes.Clone(seed.Bytes()))
		f.Add(bytes.Clone(seed.Bytes()[:seed.Len()/2]))
	}
	f.Add([]byte("<record><record/><!-- <record> --><?x ?></record><![CDATA["))
	f.Add([]byte("\xff\xfe<\x00r\x00e\x00c\x00o\x00r\x00d\x00/\x00>\x00"))
	f.Add([]byte("00026nam a2200025 a 4500\x1e\x1d00026"))
	f.Add([]byte("one\ntwo"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, make := range []func(io.Reader) marc.Reader{marc.NewReader, marc.NewXMLReader, marc.NewBinaryReader, marc.NewLineReader} {
			r := make(bytes.NewReader(data))
			before := int64(-1)
			for {
				record, err := r.Read()
				var bad *marc.BadRecord
				if errors.As(err, &bad) {
					if bad.Offset < before || bad.Number < 1 {
						t.Fatalf("%v after byte %d", bad, before)
					}
					before = bad.Offset
					continue
				}
				if err != nil {
					break
				}
				check(t, record)
			}
		}
	})
}

func check(t *testing.T, r marc.Record) {
	t.Helper()
	var out bytes.Buffer
	w := marc.NewJSONLinesWriter(&out)
	if err := errors.Join(w.Write(r), w.Close()); err != nil || !json.Valid(out.Bytes()) {
		t.Fatalf("JSON: %v: %s", err, out.Bytes())
	}
	out.Reset()
	w = marc.NewXMLWriter(&out)
	if w.Write(r) != nil {
		return // a line
	}
	if err := w.Close(); err != nil || xml.Unmarshal(out.Bytes(), new(struct{})) != nil {
		t.Fatalf("XML: %v: %s", err, out.Bytes())
	}
	out.Reset()
	w = marc.NewBinaryWriter(&out)
	if w.Write(r) != nil {
		return // the form cannot hold it
	}
	again, err := marc.NewBinaryReader(&out).Read()
	if err != nil || len(again.Fields) != len(r.Fields) {
		t.Fatalf("binary: %v: %+v, of %+v", err, again, r)
	}
}
