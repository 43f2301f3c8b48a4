package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

func printTables(w io.Writer, r report, short bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tfunctions\tmedian\t90 %\tlongest\tover 60\tfiles\tmedian\t90 %\tlongest\tover 500\texported\tlines")
	for _, p := range []part{r.Code, r.Tests} {
		fn, fi := p.Functions, p.Files
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t%d\n", p.Name, fn.Count, fn.Median, fn.P90, longest(fn), fn.TooLong,
			fi.Count, fi.Median, fi.P90, longest(fi), fi.TooLong, p.Exported, p.CodeLines+p.TestLines)
	}
	fmt.Fprintf(t, "lines of test to a line of code\t%.2f\n\n", r.TestRatio)
	proseRows(t, "", []prose{r.Comments, r.Docs, r.Changelog})
	if !short {
		packageRows(t, r.Packages)
		proseRows(t, "document", r.Documents)
	}
	return t.Flush()
}

func packageRows(w io.Writer, packages []part) {
	fmt.Fprintln(w, "\npackage\tfunctions\tmedian\t90 %\tlongest\tfiles\tmedian\t90 %\tlongest\texported\tcode\ttests\twords\twhat\tnot")
	for _, p := range packages {
		fn, fi := p.Functions, p.Files
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%.2f\t%.2f\n", p.Name, fn.Count, fn.Median, fn.P90, longest(fn),
			fi.Count, fi.Median, fi.P90, longest(fi), p.Exported, p.CodeLines, p.TestLines, p.Comments.Words, p.Comments.What, p.Comments.Negated)
	}
	fmt.Fprintln(w)
}

func proseRows(w io.Writer, name string, rows []prose) {
	fmt.Fprintf(w, "%s\twords\twhat in 100\tnot in 100\twhat\tnot\n", name)
	for _, p := range rows {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%d\t%d\n", p.Name, p.Words, p.What, p.Negated, p.Clauses, p.Negations)
	}
}

func longest(s sizes) string {
	if s.Count == 0 {
		return "-"
	}
	return fmt.Sprintf("%d %s", s.Longest, s.LongestName[strings.LastIndex(s.LongestName, "/")+1:])
}

// printHits prints the places in comments, then those in docs and change log.
func printHits(w io.Writer, f figures, of func(*language) []hit) error {
	for _, s := range f.sources {
		if s.test {
			continue
		}
		if err := printLines(w, of(&s.comments)); err != nil {
			return err
		}
	}
	for _, d := range f.docs {
		if err := printLines(w, of(&d.prose)); err != nil {
			return err
		}
	}
	return nil
}

func printLines(w io.Writer, hits []hit) error {
	for _, h := range hits {
		if _, err := fmt.Fprintf(w, "%s:%d: %s\n", h.file, h.line, h.text); err != nil {
			return err
		}
	}
	return nil
}

func printLong(w io.Writer, f figures) error {
	var long []span
	for _, s := range f.sources {
		for _, fn := range s.functions {
			if fn.size > longFunction {
				long = append(long, fn)
			}
		}
		if s.lines > longFile {
			long = append(long, span{"file", s.path, 1, s.lines})
		}
	}
	slices.SortStableFunc(long, func(a, b span) int { return b.size - a.size })
	for _, l := range long {
		if _, err := fmt.Fprintf(w, "%s:%d: %s, %d lines\n", l.path, l.line, l.name, l.size); err != nil {
			return err
		}
	}
	return nil
}
