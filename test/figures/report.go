package main

import (
	"path"
	"slices"
	"strings"
)

// Lengths from which a function or a file is listed as long; CONTRIBUTING.md has the house rule.
const (
	longFunction = 60
	longFile     = 500
)

// report has the figures of each package and document, and in all.
type report struct {
	Code      part    `json:"code"`  // without tests
	Tests     part    `json:"tests"` // _test.go, the folder test, packages whose name ends in "test"
	TestRatio float64 `json:"test_lines_per_code_line"`
	Packages  []part  `json:"packages"`
	Docs      prose   `json:"docs"`
	Changelog prose   `json:"changelog"`
	Documents []prose `json:"documents"`
	Comments  prose   `json:"comments"` // of all Go files but _test.go
}

// part is a package, or all of them.
type part struct {
	Name      string `json:"name"`
	Functions sizes  `json:"functions"`
	Files     sizes  `json:"files"`
	Exported  int    `json:"exported"`
	CodeLines int    `json:"code_lines"` // that are not blank
	TestLines int    `json:"test_lines"`
	Comments  prose  `json:"comments"`
}

// sizes sums up lengths in lines.
type sizes struct {
	Count       int    `json:"count"`
	Median      int    `json:"median"`
	P90         int    `json:"p90"`
	Longest     int    `json:"longest"`
	LongestName string `json:"longest_name"`
	TooLong     int    `json:"too_long"` // functions over 60 lines, files over 500
}

// prose sums up language, the last two in 100 words.
type prose struct {
	Name      string  `json:"name"`
	Words     int     `json:"words"`
	Clauses   int     `json:"what_clauses"`
	Negations int     `json:"negations"`
	What      float64 `json:"what_clauses_per_100_words"`
	Negated   float64 `json:"negations_per_100_words"`
}

func newReport(f figures) report {
	var code, tests []source
	packages := map[string][]source{}
	for _, s := range f.sources {
		if isTest(s) {
			tests = append(tests, s)
		} else {
			code = append(code, s)
		}
		dir := path.Dir(s.path)
		packages[dir] = append(packages[dir], s)
	}
	r := report{Code: sum("code", code), Tests: sum("tests", tests), Comments: newProse("comments", comments(f.sources))}
	r.TestRatio = ratio(r.Tests.TestLines, r.Code.CodeLines)
	for dir, sources := range packages {
		r.Packages = append(r.Packages, sumPackage(dir, sources))
	}
	slices.SortFunc(r.Packages, func(a, b part) int { return strings.Compare(a.Name, b.Name) })
	var docs, changes language
	for _, d := range f.docs {
		r.Documents = append(r.Documents, newProse(d.path, d.prose))
		if isChangelog(d) {
			changes.add(d.prose)
		} else {
			docs.add(d.prose)
		}
	}
	r.Docs, r.Changelog = newProse("docs", docs), newProse("changelog", changes)
	return r
}

// sumPackage sums up a package by its own files; those of its _test.go files count as lines of test only.
func sumPackage(dir string, sources []source) part {
	var own []source
	testLines := 0
	for _, s := range sources {
		if s.test {
			testLines += s.nonBlank
		} else {
			own = append(own, s)
		}
	}
	p := sum(dir, own)
	p.TestLines += testLines
	return p
}

func sum(name string, sources []source) part {
	p := part{Name: name, Comments: newProse(name, comments(sources))}
	var functions, files []span
	for _, s := range sources {
		functions = append(functions, s.functions...)
		files = append(files, span{s.path, s.path, 1, s.lines})
		p.Exported += s.exported
		if isTest(s) {
			p.TestLines += s.nonBlank
		} else {
			p.CodeLines += s.nonBlank
		}
	}
	p.Functions, p.Files = newSizes(functions, longFunction), newSizes(files, longFile)
	return p
}

// comments adds up the comments of all sources but _test.go files.
func comments(sources []source) language {
	var l language
	for _, s := range sources {
		if !s.test {
			l.add(s.comments)
		}
	}
	return l
}

func newSizes(spans []span, limit int) sizes {
	if len(spans) == 0 {
		return sizes{}
	}
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b span) int { return a.size - b.size })
	last := spans[len(spans)-1]
	s := sizes{Count: len(spans), Median: rank(spans, 50), P90: rank(spans, 90), Longest: last.size, LongestName: last.name}
	for _, sp := range spans {
		if sp.size > limit {
			s.TooLong++
		}
	}
	return s
}

// rank returns the size at a percentile by nearest rank; spans are sorted.
func rank(spans []span, percentile int) int {
	return spans[(len(spans)*percentile+99)/100-1].size
}

func newProse(name string, l language) prose {
	return prose{
		Name: name, Words: l.words, Clauses: len(l.clauses), Negations: len(l.negations),
		What: 100 * ratio(len(l.clauses), l.words), Negated: 100 * ratio(len(l.negations), l.words),
	}
}

// ratio is 0 where there is nothing to divide by.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
