package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
)

// undeliveredGroup counts undelivered events that are alike: dead letters of a route with the same reason and a first error that differs
// only by numbers and IDs, or unrouted events with the same key. FirstError is that of one of them.
type undeliveredGroup struct {
	Route      string    `json:"route,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	FirstError string    `json:"first_error,omitempty"`
	Key        string    `json:"key,omitempty"`
	Count      int       `json:"count"`
	Oldest     time.Time `json:"oldest"`
	Newest     time.Time `json:"newest"`
}

// groupUndelivered returns the groups of the events since a time, the largest first.
func groupUndelivered(ctx context.Context, operator app.Operator, route string, since time.Time) ([]undeliveredGroup, error) {
	groups := map[undeliveredGroup]*undeliveredGroup{}
	err := operator.Each(ctx, route, func(u broker.UndeliveredEvent) bool {
		at := undeliveredAt(u)
		if at.Before(since) {
			return true
		}
		sample := cmp.Or(u.FirstError, u.LastError)
		name := undeliveredGroup{Route: u.Route, Reason: u.Reason, FirstError: errorPattern(sample)}
		if u.Route == broker.Unrouted {
			name, sample = undeliveredGroup{Key: u.Event.Key()}, ""
		}
		g := groups[name]
		if g == nil {
			g = &undeliveredGroup{Route: name.Route, Reason: name.Reason, FirstError: sample, Key: name.Key, Oldest: at, Newest: at}
			groups[name] = g
		}
		g.Count++
		if at.Before(g.Oldest) {
			g.Oldest = at
		}
		if at.After(g.Newest) {
			g.Newest = at
		}
		return true
	})
	list := []undeliveredGroup{} // not nil, which would be null in JSON
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b undeliveredGroup) int { return cmp.Or(b.Count-a.Count, a.Oldest.Compare(b.Oldest)) })
	return list, err
}

// undeliveredAt is the time of an event's death, or of its receipt if it is unrouted.
func undeliveredAt(u broker.UndeliveredEvent) time.Time {
	if u.Route == broker.Unrouted {
		return u.Event.Time
	}
	return u.Died
}

func shortTime(t time.Time) string { return t.Local().Format(time.DateTime) }

// cells returns the count and the times of a group.
func (g undeliveredGroup) cells() []string {
	return []string{strconv.Itoa(g.Count), shortTime(g.Oldest), shortTime(g.Newest)}
}

// errorPattern returns an error with # in place of each number, ID, duration, address and port, so that errors with one cause are equal.
// An HTTP status and an exit code stay, because another one is another cause.
func errorPattern(s string) string {
	var out strings.Builder
	before, gap := "", "" // the word before, and the signs behind it
	for rest := []rune(s); len(rest) > 0; {
		end := slices.IndexFunc(rest, func(r rune) bool { return !isOfWord(r) })
		if end < 0 {
			end = len(rest)
		}
		word := string(rest[:end])
		switch number := strings.ContainsFunc(word, unicode.IsDigit); {
		case end == 0:
			end = 1
			out.WriteRune(rest[0])
			gap += string(rest[0])
		case number && isVersion(before, gap):
			out.WriteString(word)
			gap = "" // and a status may come after it
		case number && !isStatus(before, gap):
			out.WriteByte('#')
			before, gap = word, ""
		default:
			out.WriteString(word)
			before, gap = word, ""
		}
		rest = rest[end:]
	}
	pattern := out.String()
	for length := 0; length != len(pattern); { // 127.0.0.1:5672 and 1.5s
		length = len(pattern)
		pattern = strings.NewReplacer("#.#", "#", "#:#", "#").Replace(pattern)
	}
	return pattern
}

// isStatus reports whether a number is an HTTP status or an exit code, by the word before it and the gap between them. Other numbers
// follow in http://10.0.0.7.
func isStatus(before, gap string) bool {
	switch strings.ToLower(before) {
	case "answered", "status", "code", "status_code", "statuscode":
		return true
	case "http":
		return gap == " " || gap == ": "
	}
	return false
}

// isVersion reports whether a word is part of the version in HTTP/1.1, by the word before the version and the gap.
func isVersion(before, gap string) bool {
	return strings.EqualFold(before, "http") && (gap == "/" || gap == ".")
}

func isOfWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }
