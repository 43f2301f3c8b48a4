package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/pkg/text"
)

const (
	columnGap = 2
	// minLast is the least width of a last column that is cut to the terminal.
	minLast = 24
)

// table is rows under a header. On a terminal that is too narrow for it, the last column is cut, or each row becomes a block of lines.
// In a pipe or file nothing is cut.
type table struct {
	header []string
	rows   [][]string
	gap    int // between two columns; 0: columnGap
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// print writes the table for this many columns; 0: without a limit. It returns whether it has cut something.
func (t *table) print(w io.Writer, columns int) (cut bool, err error) {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	before := 0
	for _, width := range widths[:len(widths)-1] {
		before += width + cmp.Or(t.gap, columnGap)
	}
	room := columns - before
	switch last := widths[len(widths)-1]; {
	case columns == 0 || last <= room:
		return false, t.rowsOf(w, last)
	case room >= minLast:
		return true, t.rowsOf(w, room)
	}
	return t.blocks(w, columns)
}

// rowsOf writes a line for each row, with the last cell cut to a width.
func (t *table) rowsOf(w io.Writer, last int) error {
	out := tabwriter.NewWriter(w, 0, 4, cmp.Or(t.gap, columnGap), ' ', 0)
	for _, row := range append([][]string{t.header}, t.rows...) {
		end := len(row) - 1
		fmt.Fprintln(out, strings.Join(append(row[:end:end], shorten(row[end], last)), "\t"))
	}
	return out.Flush()
}

// blocks writes a line for each cell, behind its header, and an empty line between two rows.
func (t *table) blocks(w io.Writer, columns int) (cut bool, err error) {
	name := 0
	for _, h := range t.header {
		name = max(name, len(h))
	}
	room := max(columns-name-columnGap, minLast)
	for i, row := range t.rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		for j, cell := range row {
			short := cell
			if j == len(row)-1 {
				short = shorten(cell, room)
				cut = cut || short != cell
			}
			_, err = fmt.Fprintf(w, "%-*s%s\n", name+columnGap, t.header[j], short)
		}
	}
	return cut, err
}

// printTable prints the table to fit the terminal.
func (c *command) printTable(t table) error {
	cut, err := t.print(c.stdout, columns(c.stdout))
	if cut {
		fmt.Fprintln(c.stdout, "(cut to the width of the terminal; a pipe, as in `| less -S`, has everything)")
	}
	return err
}

// columns returns the width of the terminal w, or 0 if w is none.
func columns(w io.Writer) int {
	f := app.Terminal(w)
	if f == nil {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// shorten cuts a text to a number of characters, with an ellipsis at its end.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// oneLine returns a text on one line, escaped.
func oneLine(s string) string {
	return text.Escape(strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ").Replace(s))
}
