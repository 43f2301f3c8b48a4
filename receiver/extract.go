package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

// Extract lists the places of a message's ID and action. Each list is tried in order, and the first text that is found
// counts. A place is one of
//
//	json:a.b        a string in a JSON body; numbers index arrays
//	xml:a/b         the text of an element below the root of an XML body
//	form:name       a field of a form body
//	form-json:f:a.b a string in the JSON that the form field f holds
//	header:Name     a request header
//	word:text       the text itself, for senders with only one kind of event
//	new             a new ID each time, for senders that send equal messages for different events. Without it the
//	                second of two equal messages is a duplicate, if it arrives inside the broker's window
type Extract struct {
	// ID are the places of the event's ID; the first that a message has counts: json:PATH, xml:a/b, header:NAME, form:FIELD,
	// form-json:FIELD:PATH. new makes a new ID each time.
	ID []string `yaml:"id,flow"`
	// Action are the places of the action, as for id; or word:TEXT.
	Action []string `yaml:"action,flow"`
	// Event are the places of the second part of the action: loan and loan_created make loan.loan_created.
	Event []string `yaml:"event,omitempty,flow"`
	// Split are the characters that divide the sender's names into words: with . the pattern stripe.invoice.* matches Stripe's invoice.paid.
	// Every other character that a routing key cannot hold becomes _.
	Split string `yaml:"split,omitempty"`
}

// maxWord is the number of bytes that are read of an action from outside. A routing key holds fewer.
const maxWord = 512

var (
	jsonPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	xmlPath  = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)
)

// extractor is a compiled Extract.
type extractor struct {
	id, action, event []candidate
	split             string
	xmlPaths          xmlPaths
}

// candidate is one possible place of an ID or action.
type candidate struct {
	place, name string
	field       string // form field of form-json
	number      bool   // a JSON number counts, too: for IDs
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

// read returns ID and action of a payload. Both are valid for every body: a missing ID becomes the hash of the body, and a
// missing action becomes event.Unreadable.
func (x *extractor) read(p *payload) (id, action string) {
	id = event.NewID(p.first(x.id), p.body)
	words := x.words(nil, p.first(x.action))
	if len(words) > 0 {
		words = x.words(words, p.first(x.event))
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
