package marc_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/marc"
)

// catalogued is a record of the size that libraries have, about 3 KB as MARCXML.
func catalogued() marc.Record {
	r := book("990001234560306421", "A title of the usual length : with a subtitle /")
	for range 25 {
		r.Fields = append(r.Fields, marc.Field{Tag: "650", Ind1: ' ', Ind2: '0', Subfields: []marc.Subfield{{'a', "Libraries and readers"}, {'z', "Österreich"}}})
	}
	return r
}

func BenchmarkRead(b *testing.B) {
	for name, make := range map[string]func(io.Writer) marc.Writer{"xml": marc.NewXMLWriter, "binary": marc.NewBinaryWriter} {
		b.Run(name, func(b *testing.B) {
			var file bytes.Buffer
			w := make(&file)
			for range 100 {
				if err := w.Write(catalogued()); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			for b.Loop() {
				r := marc.NewReader(bytes.NewReader(file.Bytes()))
				for {
					if _, err := r.Read(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, make := range map[string]func(io.Writer) marc.Writer{"xml": marc.NewXMLWriter, "binary": marc.NewBinaryWriter, "ndjson": marc.NewJSONLinesWriter} {
		b.Run(name, func(b *testing.B) {
			var size strings.Builder
			_ = make(&size).Write(catalogued())
			b.SetBytes(int64(size.Len()))
			b.ReportAllocs()
			w, r := make(io.Discard), catalogued()
			for b.Loop() {
				if err := w.Write(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
