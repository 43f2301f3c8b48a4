package transfer

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/hookline/hookline/alma/marc"
)

// csvWriter writes the columns of the scope's record (RFC 4180, with LF). Its first line has their names.
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
	_ = c.out.Write(c.row) // Flush returns the error
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
