package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// page is a Markdown file of the repository.
type page struct {
	file  string // from the top of the repository
	lines []string
	code  []snippet
}

// snippet is a fenced block of code.
type snippet struct {
	language string
	line     int // of its first line, from 1
	text     string
}

// pages reads every page of docs, and those at the top of the repository.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	add := func(file string) { all = append(all, newPage(strings.TrimPrefix(file, "../"), read(t, file))) }
	for _, file := range []string{"../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md"} {
		add(file)
	}
	err := filepath.WalkDir("../docs", func(file string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(file) == ".md" {
			add(file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func newPage(file, text string) page {
	p := page{file: file, lines: strings.Split(text, "\n")}
	var open *snippet
	indent := "" // of a block in a list
	for i, line := range p.lines {
		fence := strings.TrimLeft(line, " ")
		switch language, isFence := strings.CutPrefix(fence, "```"); {
		case isFence && open == nil:
			open, indent = &snippet{language: language, line: i + 2}, line[:len(line)-len(fence)]
		case isFence:
			p.code = append(p.code, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	return p
}

// generated tells whether `task docs` writes the page, whose texts and widths are those of the commands' help.
func (p page) generated() bool {
	return strings.Contains(strings.Join(p.lines, "\n"), "This page is generated")
}

// prose returns the lines outside code and outside the tables that `task bench` and `task faults` write, by number from 1.
func (p page) prose() map[int]string {
	prose := map[int]string{}
	code, generated := false, false
	for i, line := range p.lines {
		fence := strings.HasPrefix(strings.TrimLeft(line, " "), "```")
		code = code != fence
		generated = (generated || strings.HasPrefix(line, "<!-- begin of the ")) && !strings.HasPrefix(line, "<!-- end of the ")
		if !code && !fence && !generated {
			prose[i+1] = line
		}
	}
	return prose
}

var heading = regexp.MustCompile(`^#+ (.*)$`)

// anchors returns the fragments that GitHub makes of the page's headings.
func (p page) anchors() map[string]bool {
	anchors := map[string]bool{}
	for _, line := range p.prose() {
		if found := heading.FindStringSubmatch(line); found != nil {
			text := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(found[1]), "")
			anchors[strings.ReplaceAll(text, " ", "-")] = true
		}
	}
	return anchors
}

func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.file] = p.anchors()
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, p := range all {
		for number, line := range p.prose() {
			for _, found := range link.FindAllStringSubmatch(line, -1) {
				target, fragment, _ := strings.Cut(found[1], "#")
				if strings.Contains(target, "://") {
					continue
				}
				file := p.file
				if target != "" {
					file = filepath.Join(filepath.Dir(p.file), target)
				}
				if _, err := os.Stat(filepath.Join("..", file)); err != nil {
					t.Errorf("%s:%d: no file %s", p.file, number, file)
				} else if fragment != "" && !anchors[file][fragment] {
					t.Errorf("%s:%d: no heading %s in %s", p.file, number, fragment, file)
				}
			}
		}
	}
}

// TestEveryPageIsInTheIndex finds pages that no reader would find.
func TestEveryPageIsInTheIndex(t *testing.T) {
	t.Parallel()
	indexes := map[string]string{"decisions": "../docs/decisions/README.md", "runbooks": "../docs/runbooks/README.md"}
	for _, p := range pages(t) {
		name, isDoc := strings.CutPrefix(p.file, "docs/")
		if !isDoc || filepath.Base(name) == "README.md" {
			continue
		}
		folder, file := filepath.Split(name)
		if index := indexes[strings.TrimSuffix(folder, "/")]; index != "" {
			if !strings.Contains(read(t, index), "("+file+")") {
				t.Errorf("%s is not in %s", p.file, index)
			}
		} else if !strings.Contains(read(t, "../docs/README.md"), "("+name+")") {
			t.Errorf("%s is not in docs/README.md", p.file)
		}
	}
}

// TestEveryExampleIsInTheReadme finds configurations that no reader would find.
func TestEveryExampleIsInTheReadme(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(examples, "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if !strings.Contains(read(t, "../README.md"), "("+strings.TrimPrefix(file, "../")+")") {
			t.Errorf("README.md does not link %s", file)
		}
	}
}

// Widths in characters: a longer line needs a scroll bar on a narrow window.
const (
	maxProse = 120
	maxCode  = 120
	maxCell  = 140
)

func TestPagesNeedNoScrollBar(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		if p.file == "CHANGELOG.md" || p.generated() {
			continue // a line for each change
		}
		for number, line := range p.prose() {
			switch width := utf8.RuneCountInString(line); {
			case strings.HasPrefix(strings.TrimSpace(line), "|"):
				for _, cell := range strings.Split(line, "|") {
					if width := utf8.RuneCountInString(strings.TrimSpace(cell)); width > maxCell {
						t.Errorf("%s:%d: a cell of %d characters, more than %d", p.file, number, width, maxCell)
					}
				}
			case width > maxProse && strings.Contains(strings.TrimSpace(line[:min(len(line), maxProse)]), " ") && !heading.MatchString(line):
				t.Errorf("%s:%d: a line of %d characters, more than %d", p.file, number, width, maxProse)
			}
		}
		for _, s := range p.code {
			for i, line := range strings.Split(s.text, "\n") {
				if width := utf8.RuneCountInString(line); width > maxCode {
					t.Errorf("%s:%d: a line of code of %d characters, more than %d", p.file, s.line+i, width, maxCode)
				}
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWordsNameTypesOfTheCode looks for each type in the table of words, such as pkg/event.Event or event.Event.Action, in the
// folder of its package.
func TestWordsNameTypesOfTheCode(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(read(t, "../docs/design.md"), "\n## Words\n")
	table, _, _ = strings.Cut(table, "\n## ")
	name := regexp.MustCompile("`([a-z/]+)\\.([A-Za-z]+)(\\.[A-Za-z]+)?`")
	checked := 0
	for _, found := range name.FindAllStringSubmatch(table, -1) {
		folder := found[1]
		if _, err := os.Stat("../" + folder); err != nil {
			folder = "pkg/" + folder
		}
		files, err := filepath.Glob("../" + folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		declared := regexp.MustCompile(`(?m)^(type )?\s*` + found[2] + ` (struct|interface|func|\[|string|int|map)`)
		exists := false
		for _, file := range files {
			exists = exists || !strings.HasSuffix(file, "_test.go") && declared.MatchString(read(t, file))
		}
		if !exists {
			t.Errorf("docs/design.md names %s, and %s has no such type", found[0], folder)
		}
		checked++
	}
	if checked < 40 {
		t.Errorf("only %d types were found in the table of words", checked)
	}
}
