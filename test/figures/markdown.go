package main

import (
	"regexp"
	"strings"
)

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	linkTarget  = regexp.MustCompile(`\]\([^)\s]*\)`)
)

// readMarkdown counts the prose of a Markdown file: headings, paragraphs, lists and the cells of tables. Code blocks,
// inline code, link targets and HTML comments are left out.
func readMarkdown(file, text string) language {
	var l language
	var paragraph []line
	flush := func() {
		if len(paragraph) > 0 {
			l.read(file, paragraph)
		}
		paragraph = nil
	}
	fence := ""
	text = htmlComment.ReplaceAllStringFunc(text, onlyNewlines)
	for i, s := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(s)
		mark := fenceMark(trimmed)
		switch {
		case fence == "" && mark != "":
			flush()
			fence = mark
		case fence != "":
			if strings.HasPrefix(mark, fence) && strings.Trim(trimmed, fence[:1]) == "" {
				fence = ""
			}
		case trimmed == "":
			flush()
		default:
			paragraph = append(paragraph, line{i + 1, linkTarget.ReplaceAllString(s, "]")})
		}
	}
	flush()
	return l
}

// fenceMark returns the run of backticks or tildes that opens or closes a code block, or "".
func fenceMark(s string) string {
	for _, c := range []string{"`", "~"} {
		n := len(s) - len(strings.TrimLeft(s, c))
		if n >= 3 && (c == "~" || !strings.Contains(s[n:], "`")) {
			return s[:n]
		}
	}
	return ""
}
