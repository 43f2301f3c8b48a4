// Package errorpattern says by one rule which errors are alike.
package errorpattern

import "regexp"

// varying matches a part of an error that can differ between errors with one cause: a number, an ID, a duration, or an address with its port.
// Its group is an HTTP status or an exit code, with the words before it: another one is another cause.
var varying = regexp.MustCompile(`(?i)(\b(?:answered|code|status(?:_?code)?|http(?:/[\d.]+)?)[ :="]+\d+)|[\w-]*\d[\w-]*(?:[.:][\w-]*\d[\w-]*)*`)

// Of returns an error's text without its varying parts, so that errors with one cause have one pattern.
func Of(s string) string { return varying.ReplaceAllString(s, "$1") }
