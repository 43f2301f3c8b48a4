package cli

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hookline/hookline/pkg/text"
)

const (
	columnGap = 2
	// minWrapped is the least width of a column whose cells are wrapped, and minCut that of one whose cells are cut.
	minWrapped, minCut = 14, 24
)

// table is rows under a header. On a terminal that is too narrow for it, the cells of some columns are wrapped or cut. If that is not
// enough, each row becomes a block of lines. In a pipe or file every row is one whole line.
type table struct {
	header []string // nil: there is none
	wraps  []int    // the columns that may be wrapped. Other cells stay whole, and those of another last column may be cut.
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
	lines := t.rows
	if t.header != nil {
		lines = append([][]string{t.header}, t.rows...)
	}
	widths := []int{}
	for _, row := range lines {
		widths = append(widths, make([]int, max(0, len(row)-len(widths)))...)
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if columns > 0 && !t.shrink(widths, columns) {
		return false, t.blocks(w, columns)
	}
	for _, row := range lines {
		shortened, err := t.row(w, row, widths)
		if cut = cut || shortened; err != nil {
			return cut, err
		}
	}
	return cut, nil
}

// shrink makes columns narrower, the widest one first, until the table fits. It returns false if they cannot be narrow enough.
func (t *table) shrink(widths []int, columns int) bool {
	over := cmp.Or(t.gap, columnGap)*(len(widths)-1) - columns
	for _, width := range widths {
		over += width
	}
	for ; over > 0; over-- {
		widest := -1
		for i, width := range widths {
			if width > t.least(i, len(widths)) && (widest < 0 || width > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// least returns the least width of column i.
func (t *table) least(i, columns int) int {
	switch {
	case slices.Contains(t.wraps, i):
		return minWrapped
	case i == columns-1:
		return minCut
	}
	return math.MaxInt
}

// row writes a row, with its cells in these widths.
func (t *table) row(w io.Writer, row []string, widths []int) (cut bool, err error) {
	cells := make([][]string, len(row))
	lines := 1
	for i, cell := range row {
		cells[i] = []string{cell}
		if slices.Contains(t.wraps, i) {
			cells[i] = wrap(cell, widths[i])
		} else if short := shorten(cell, widths[i]); short != cell {
			cells[i][0], cut = short, true
		}
		lines = max(lines, len(cells[i]))
	}
	for n := range lines {
		line := ""
		for i, parts := range cells {
			if i > 0 {
				line += strings.Repeat(" ", cmp.Or(t.gap, columnGap))
			}
			part := ""
			if n < len(parts) {
				part = parts[n]
			}
			line += part + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(part))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return cut, err
		}
	}
	return cut, nil
}

// blocks writes each cell behind its header, and an empty line between two rows. All cells wrap, so that nothing is cut. Empty cells are
// left out.
func (t *table) blocks(w io.Writer, columns int) error {
	names := width(t.header) + columnGap
	room := max(columns-names, minWrapped)
	for i, row := range t.rows {
		block := table{wraps: []int{1}}
		for j, cell := range row {
			if cell != "" {
				block.rows = append(block.rows, []string{t.header[j], cell})
			}
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := block.print(w, names+room); err != nil {
			return err
		}
	}
	return nil
}

// width returns the width of the widest text.
func width(texts []string) (most int) {
	for _, s := range texts {
		most = max(most, utf8.RuneCountInString(s))
	}
	return most
}

// printTable prints the table to fit the terminal.
func (c *command) printTable(t table) error {
	cut, err := t.print(c.stdout, columns(c.stdout))
	if cut {
		c.say("(cut to the width of the terminal; a pipe, as in `| less -S`, has everything)")
	}
	return err
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
