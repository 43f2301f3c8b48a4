package transfer

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/expr-lang/expr/vm"

	"github.com/hookline/hookline/alma/marc"
)

// format makes a writer for one delivered file.
type format struct {
	ext  string
	make func(io.Writer, *scope) marc.Writer
}

func newFormat(name, read string, columns []column) (format, error) {
	if read == readBytes {
		if name != "" {
			return format{}, fmt.Errorf("write.format: %q cannot be made of read: bytes, which knows no records", name)
		}
		return format{ext: ""}, nil
	}
	plain := func(ext string, make func(io.Writer) marc.Writer) (format, error) {
		return format{ext, func(w io.Writer, _ *scope) marc.Writer { return make(w) }}, nil
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
			return format{}, fmt.Errorf("write.columns: csv needs at least one")
		}
		return format{".csv", func(w io.Writer, s *scope) marc.Writer { return newCSVWriter(w, columns, s) }}, nil
	}
	return format{}, fmt.Errorf("write.format: %q is none of marcxml, marc21, json, ndjson, csv, lines", name)
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

// csvWriter writes the columns of the record in the scope (RFC 4180, with LF), after a line with their names.
type csvWriter struct {
	out     *csv.Writer
	columns []column
	scope   *scope
	row     []string
	begun   bool
}

func newCSVWriter(w io.Writer, columns []column, s *scope) *csvWriter {
	return &csvWriter{out: csv.NewWriter(w), columns: columns, scope: s, row: make([]string, len(columns))}
}

func (c *csvWriter) Write(marc.Record) error {
	c.begin()
	for i, column := range c.columns {
		value, err := c.scope.run(column.value)
		if err != nil {
			return &marc.BadRecord{Err: err}
		}
		c.row[i] = cell(value)
	}
	return c.out.Write(c.row)
}

func (c *csvWriter) begin() {
	if c.begun {
		return
	}
	c.begun = true
	for i, column := range c.columns {
		c.row[i] = column.name
	}
	_ = c.out.Write(c.row) // the error is that of Flush
}

func (c *csvWriter) Close() error {
	c.begin()
	c.out.Flush()
	return c.out.Error()
}

func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []string:
		return strings.Join(v, " | ")
	case []any:
		cells := make([]string, len(v))
		for i := range v {
			cells[i] = cell(v[i])
		}
		return strings.Join(cells, " | ")
	}
	return fmt.Sprint(value)
}
