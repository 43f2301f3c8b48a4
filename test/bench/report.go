package main

import (
	"fmt"
	"os"
	"strings"
)

// report is the text of a section: tables and targets, in Markdown.
type report struct {
	text    strings.Builder
	targets []target
}

// target is a figure and its limit.
type target struct {
	what, limit, measured string
	met                   bool
}

// table begins a table.
func (r *report) table(caption string, columns ...string) {
	fmt.Fprintf(&r.text, "\n%s\n\n| %s |\n| --- |%s\n", caption, strings.Join(columns, " | "), strings.Repeat(" --: |", len(columns)-1))
}

// row adds a row to the latest table: strings as they are, numbers rounded to about three digits.
func (r *report) row(cells ...any) {
	r.text.WriteString("|")
	for _, cell := range cells {
		if number, ok := cell.(float64); ok {
			cell = figure(number)
		}
		fmt.Fprintf(&r.text, " %v |", cell)
	}
	r.text.WriteString("\n")
}

func figure(x float64) string {
	switch {
	case x != x:
		return "-"
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// most adds the target that value is limit at most.
func (r *report) most(what string, value, limit float64, measured any) {
	r.targets = append(r.targets, target{what, "at most " + number(limit), fmt.Sprint(measured), value <= limit})
}

// least adds the target that value is limit at least.
func (r *report) least(what string, value, limit float64, measured any) {
	r.targets = append(r.targets, target{what, "at least " + number(limit), fmt.Sprint(measured), value >= limit})
}

func (r *report) mostRatio(what string, x ratio, limit float64)  { r.most(what, x.median, limit, x) }
func (r *report) leastRatio(what string, x ratio, limit float64) { r.least(what, x.median, limit, x) }

func number(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.2f", x), ".00") }

// String returns the whole section, targets first.
func (r *report) String() string {
	var out strings.Builder
	if len(r.targets) > 0 {
		out.WriteString("| target | limit | measured | met |\n| --- | --: | --: | --- |\n")
	}
	for _, t := range r.targets {
		met := "yes"
		if !t.met {
			met = "**no**"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", t.what, t.limit, t.measured, met)
	}
	out.WriteString(r.text.String())
	return strings.TrimSpace(out.String()) + "\n"
}

// replace puts text between the marks of a section of a page.
func replace(page, section, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := fmt.Sprintf("<!-- begin of the figures of `task bench`: %s -->\n", section), "<!-- end of the figures of `task bench` -->\n"
	before, rest, found := strings.Cut(string(old), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no place for %q: %s and %s", page, section, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(before+begin+text+end+after), 0o644)
}
