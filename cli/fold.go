package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/hookline/hookline/app"
)

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

// say prints a line of prose. On a terminal it is folded between words.
func (c *command) say(format string, args ...any) {
	fmt.Fprintln(c.stdout, fold(fmt.Sprintf(format, args...), columns(c.stdout)))
}

// foldHelp folds the help of cmd and of the commands below it to the width of the terminal.
func (c *command) foldHelp(cmd *cobra.Command) {
	help := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		var out bytes.Buffer
		cmd.SetOut(&out)
		help(cmd, args)
		cmd.SetOut(nil)
		fmt.Fprint(c.stdout, fold(joinParagraphs(out.String()), columns(c.stdout)))
	})
}

// fold splits each line of a text that is longer than a width; 0: without a limit. The next line begins below the last column of the
// line, as in a list of flags, or below the text of an item.
func fold(s string, width int) string {
	if width == 0 {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if strings.HasPrefix(line, "- ") {
			indent = len("- ")
		}
		column := indent // of runes, and indent is of bytes
		if gap := strings.LastIndex(line, "  "); gap > indent && utf8.RuneCountInString(line[:gap])+columnGap <= width/2 {
			indent = gap + columnGap
			column = utf8.RuneCountInString(line[:indent])
		}
		parts := wrap(line[indent:], max(width-column, 1))
		lines[i] = line[:indent] + strings.Join(parts, "\n"+strings.Repeat(" ", column))
	}
	return strings.Join(lines, "\n")
}

// joinParagraphs joins the lines of each paragraph and of each item of a list. Indented lines stay as they are.
func joinParagraphs(s string) string {
	var out strings.Builder
	before := ""
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if isProse(before) && isProse(line) && !strings.HasPrefix(line, "- ") {
			out.WriteString(" " + line)
		} else {
			out.WriteString("\n" + line)
		}
		before = line
	}
	return strings.TrimPrefix(out.String(), "\n") + "\n"
}

// isProse reports whether a line is part of a paragraph. A heading, such as "Flags:", is none.
func isProse(line string) bool {
	return line != "" && line[0] != ' ' && !strings.HasSuffix(line, ":")
}

// wrap splits a line into lines of a width: between words, else after a sign between two parts of a name, else anywhere.
func wrap(s string, width int) (lines []string) {
	rest := []rune(s)
	for len(rest) > width {
		end := breakAt(width, func(i int) bool { return rest[i] == ' ' })
		if end == 0 {
			end = breakAt(width, func(i int) bool { return strings.ContainsRune(".-_/,:", rest[i-1]) })
		}
		if end == 0 {
			end = width
		}
		lines = append(lines, strings.TrimRight(string(rest[:end]), " "))
		rest = []rune(strings.TrimLeft(string(rest[end:]), " "))
	}
	return append(lines, string(rest))
}

// breakAt returns the last position of a break within width, or 0 if a line that ends there would be short.
func breakAt(width int, is func(int) bool) int {
	for i := width; i > width/3; i-- {
		if is(i) {
			return i
		}
	}
	return 0
}
