package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is a table with one row for each trial.
type report struct {
	out     io.Writer
	rows    []row
	leftOut []string
	failed  int
}

// row is one trial.
type row struct {
	plan   plan
	on     string // "one node" or "three nodes"
	result result
	err    error
}

const head = `| fault | RabbitMQ | accepted | handled | lost | duplicated | longest gap without a 200: refuse / spool | accepting and delivering again after | audit |
| --- | --- | --: | --: | --: | --: | --: | --: | --: |
`

func (r *report) begin() { fmt.Fprint(r.out, head) }

// add prints a row and its faults.
func (r *report) add(one row) {
	r.rows = append(r.rows, one)
	fmt.Fprint(r.out, one)
	problems := one.result.problems
	if one.err != nil {
		problems = append(problems, one.err.Error())
	}
	for _, problem := range problems {
		fmt.Fprintln(r.out, "  FAILED:", strings.ReplaceAll(problem, "\n", "\n  "))
	}
	if len(problems) > 0 {
		r.failed++
	}
}

func (r *report) leaveOut(f fault, on string) {
	text := fmt.Sprintf("%s (%s)", f.name, on)
	r.leftOut = append(r.leftOut, text)
	fmt.Fprintln(r.out, "left out, since this machine does not allow it:", text)
}

func (r row) String() string {
	x := r.result
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %s / %s | %s | %s |\n", r.plan.name, r.on,
		x.accepted, x.handled, x.lost, x.duplicated, seconds(x.gapRefuse), seconds(x.gapSpool), seconds(x.recovery), x.unaccounted)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

const (
	tableBegin = "<!-- begin of the table of `task faults` -->\n"
	tableEnd   = "<!-- end of the table of `task faults` -->\n"
)

// write replaces the text between the marks of a page.
func (r *report) write(file string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		return fmt.Errorf("%s has no place for the table", file)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Measured with %s on %d cores, %s/%s.\n\n%s", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, head)
	for _, one := range r.rows {
		text.WriteString(one.String())
	}
	for _, one := range r.leftOut {
		fmt.Fprintf(&text, "\nLeft out on this machine: %s.\n", one)
	}
	return os.WriteFile(file, []byte(before+tableBegin+text.String()+tableEnd+after), 0o644)
}
