package transfer

import (
	"fmt"
	"io"

	"github.com/expr-lang/expr/vm"

	"github.com/hookline/hookline/alma/marc"
)

// outputFormat makes the writer of one delivered file.
type outputFormat struct {
	ext  string
	make func(io.Writer, *scope) marc.Writer
}

func newOutputFormat(name, read string, columns []column) (outputFormat, error) {
	if read == readBytes {
		if name != "" {
			return outputFormat{}, fmt.Errorf("write.format: %q needs records, which read: bytes does not provide", name)
		}
		return outputFormat{ext: ""}, nil
	}
	plain := func(ext string, make func(io.Writer) marc.Writer) (outputFormat, error) {
		return outputFormat{ext, func(w io.Writer, _ *scope) marc.Writer { return make(w) }}, nil
	}
	switch name {
	case "", "marcxml":
		return plain(".xml", marc.NewXMLWriter)
	case "marc21":
		return plain(".mrc", marc.NewBinaryWriter)
	case "json":
		return plain(".json", marc.NewJSONWriter)
	case "ndjson":
		return plain(".ndjson", marc.NewJSONLinesWriter)
	case "lines":
		return plain(".txt", marc.NewLineWriter)
	case "csv":
		if len(columns) == 0 {
			return outputFormat{}, fmt.Errorf("write.columns: csv needs at least one")
		}
		return outputFormat{".csv", func(w io.Writer, s *scope) marc.Writer { return newCSVWriter(w, columns, s) }}, nil
	}
	return outputFormat{}, fmt.Errorf("write.format: %q is none of marcxml, marc21, json, ndjson, csv, lines", name)
}

type column struct {
	name  string
	value *vm.Program
}

func newColumns(columns []Column) (out []column, err error) {
	for _, c := range columns {
		value, err := compile(c.Value)
		if err != nil {
			return nil, fmt.Errorf("write.columns: %s: %w", c.Name, err)
		}
		out = append(out, column{c.Name, value})
	}
	return out, nil
}
