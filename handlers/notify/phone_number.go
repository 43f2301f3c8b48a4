package notify

import (
	"regexp"
	"strings"
)

// e164 is a phone number as services expect it (ITU-T E.164): at most 15 digits, the first of them not 0.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// phone converts a typed number to the form of E.164. country is the calling code for numbers without one, such as "49"; if it is
// empty, phone refuses those numbers.
func phone(typed, country string) (string, bool) {
	number := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\u00a0-–./()[]", r) {
			return -1
		}
		return r
	}, strings.ReplaceAll(typed, "(0)", ""))
	switch {
	case strings.HasPrefix(number, "+"):
	case strings.HasPrefix(number, "00"):
		number = "+" + number[2:]
	case country != "":
		number = "+" + country + strings.TrimPrefix(number, "0")
	}
	return number, e164.MatchString(number)
}
