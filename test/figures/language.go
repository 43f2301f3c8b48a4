package main

import (
	"regexp"
	"strings"
)

// language counts the words of prose, its clauses with `what` and its negations.
type language struct {
	words     int
	clauses   []hit
	negations []hit
}

// hit is one place to look at. A line with two negations gives two hits.
type hit struct {
	file string
	line int
	text string
}

// line is a line of a file.
type line struct {
	number int
	text   string
}

var (
	wordPattern = regexp.MustCompile(`\pL[\pL\pN'’-]*`)
	inlineCode  = regexp.MustCompile("`[^`]*`")
	urlPattern  = regexp.MustCompile(`https?://\S+`)
)

// read counts a paragraph of prose. Inline code and URLs are left out.
func (l *language) read(file string, paragraph []line) {
	var texts []string
	for _, ln := range paragraph {
		texts = append(texts, ln.text)
	}
	prose := inlineCode.ReplaceAllStringFunc(strings.Join(texts, "\n"), onlyNewlines)
	prose = urlPattern.ReplaceAllString(prose, "")
	for i, text := range strings.Split(prose, "\n") {
		at := hit{file: file, line: paragraph[i].number, text: strings.TrimSpace(paragraph[i].text)}
		for _, word := range wordPattern.FindAllString(text, -1) {
			l.words++
			switch word = plain(word); {
			case isClause(word):
				l.clauses = append(l.clauses, at)
			case isNegation(word):
				l.negations = append(l.negations, at)
			}
		}
	}
}

func (l *language) add(other language) {
	l.words += other.words
	l.clauses = append(l.clauses, other.clauses...)
	l.negations = append(l.negations, other.negations...)
}

// onlyNewlines keeps the line numbers right when a code span goes over the end of a line.
func onlyNewlines(span string) string { return strings.Repeat("\n", strings.Count(span, "\n")) }

// plain lowers a word and undoes a contraction: `What's` becomes `what`.
func plain(word string) string {
	word = strings.ToLower(strings.ReplaceAll(word, "’", "'"))
	for _, suffix := range []string{"'s", "'ll", "'re", "'d", "'ve", "'"} {
		word = strings.TrimSuffix(word, suffix)
	}
	return word
}

func isClause(word string) bool {
	switch word {
	case "what", "whatever", "whoever", "whom":
		return true
	}
	return false
}

func isNegation(word string) bool {
	switch word {
	case "no", "not", "never", "nothing", "nobody", "none", "neither", "nor", "cannot", "without":
		return true
	}
	return strings.HasSuffix(word, "n't")
}
