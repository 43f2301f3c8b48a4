package journal

import (
	"strings"
	"time"
)

// Filter chooses events. An empty field chooses all.
type Filter struct {
	// Text has words that an event must have all: in its ID, its source and action, in values of its body, or in an error. The last word, and
	// a word with * behind it, may be the begin of a word, from three letters on; the last word only while not too many events have such
	// words. Words in quotes follow each other.
	Text           string
	Source, Action string
	Route          string    // that ended an attempt for the event
	State          State     // on Route, or of the event as a whole
	Pattern        string    // of the last error on a route, as Group.Pattern has it
	From, To       time.Time // of receipt; To is excluded
}

// Page is the part of a list to return. Before and After are cursors that Events returned; at most one of them is set.
type Page struct {
	Before string // older events than those of a page
	After  string // newer events than those of a page; the ones next to it
	Limit  int    // of events; 0: 50, at most 500
}

const (
	defaultLimit = 50
	maxLimit     = 500
)

func (p Page) limit() int {
	if p.Limit <= 0 {
		return defaultLimit
	}
	return min(p.Limit, maxLimit)
}

// conditions are the parts of a WHERE clause, and their arguments.
type conditions struct {
	text []string
	args []any
}

func (c *conditions) add(text string, args ...any) {
	c.text = append(c.text, text)
	c.args = append(c.args, args...)
}

func (c *conditions) where() string {
	if len(c.text) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.text, " AND ")
}
