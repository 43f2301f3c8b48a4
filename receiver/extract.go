package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

// Extract says where a message names its ID and what happened. Each list is tried in order and the first that yields
// a text counts. A candidate is one of
//
//	json:a.b        a string in a JSON body; numbers index arrays
//	xml:a/b         the text of an element below the root of an XML body
//	form:name       a field of a form body
//	form-json:f:a.b a string in the JSON that the form field f holds
//	header:Name     a request header
//	word:text       the text itself, for senders that send only one kind of event
//	new             a new ID each time, for senders whose messages can be equal without being repeats: without it, the
//	                second of two equal messages inside the line's window makes no work
type Extract struct {
	ID []string `yaml:"id"`
	// Action and Event together are the event's action: "loan" and "loan_created" make loan.loan_created.
	Action []string `yaml:"action"`
	Event  []string `yaml:"event"`
	// Split holds the characters that part the sender's own names into words: with "." Stripe's invoice.paid is
	// matched by stripe.invoice.*. Every other character that a routing key cannot hold becomes "_".
	Split string `yaml:"split"`
}

// maxWord is how many bytes of an action from outside are looked at; a key holds less.
const maxWord = 512

var (
	jsonPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	xmlPath  = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)
)

// extractor is an Extract made ready for use.
type extractor struct {
	id, action, event []candidate
	split             string
	xmlPaths          xmlPaths
}

// candidate is one place to look at.
type candidate struct {
	place, name string
	field       string // of form-json
	number      bool   // a JSON number is as good as a string: for IDs
}

func newExtractor(e Extract) (extractor, error) {
	x := extractor{split: e.Split, xmlPaths: xmlPaths{}}
	var errs []error
	compile := func(list []string) (out []candidate) {
		for _, text := range list {
			c, err := newCandidate(text)
			if err != nil {
				errs = append(errs, err)
			}
			if c.place == "xml" {
				x.xmlPaths.add(c.name)
			}
			out = append(out, c)
		}
		return out
	}
	x.id, x.action, x.event = compile(e.ID), compile(e.Action), compile(e.Event)
	for i := range x.id {
		x.id[i].number = true
	}
	return x, errors.Join(errs...)
}

func newCandidate(text string) (candidate, error) {
	place, name, _ := strings.Cut(text, ":")
	c := candidate{place: place, name: name}
	ok := name != ""
	switch place {
	case "json":
		ok = jsonPath.MatchString(name)
	case "form-json":
		c.field, c.name, _ = strings.Cut(name, ":")
		ok = c.field != "" && jsonPath.MatchString(c.name)
	case "xml":
		ok = xmlPath.MatchString(name)
	case "header":
		c.name = http.CanonicalHeaderKey(name)
	case "form", "word":
	case "new":
		ok = name == ""
	default:
		ok = false
	}
	if !ok {
		return c, fmt.Errorf("%q is none of json:a.b, xml:a/b, form:name, form-json:field:a.b, header:Name, word:text, new", text)
	}
	return c, nil
}

// read takes ID and action out of a message. Whatever the body holds, both can be stored: an ID that cannot be found is
// made of the body, and an action that cannot be found is event.Unreadable.
func (x *extractor) read(m *message) (id, action string) {
	id = event.NewID(m.first(x.id), m.body)
	words := x.words(nil, m.first(x.action))
	if len(words) > 0 {
		words = x.words(words, m.first(x.event))
	}
	return id, event.NewAction(words...)
}

func (x *extractor) words(words []string, text string) []string {
	text = clip(text, maxWord)
	switch {
	case strings.TrimSpace(text) == "":
		return words
	case x.split == "":
		return append(words, text)
	}
	return append(words, strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(x.split, r) })...)
}
