package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed equivalent.txt
var equivalentText string

// readEquivalent reads the changes that make no difference, with their reasons: a line with "FILE: CHANGE", as the report prints
// it without the line number, and a line that begins with a tab and the reason.
func readEquivalent(text string) (map[string]string, error) {
	known := map[string]string{}
	change := ""
	for n, line := range strings.Split(text, "\n") {
		reason, isReason := strings.CutPrefix(line, "\t")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case isReason && change != "":
			known[change], change = reason, ""
		case isReason || change != "":
			return nil, fmt.Errorf("equivalent.txt:%d: each change needs one line with its reason below it", n+1)
		default:
			change = line
		}
	}
	if change != "" {
		return nil, fmt.Errorf("equivalent.txt: %q has no reason", change)
	}
	return known, nil
}
