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
//
// A place of an ID may join several: "header:Ce-Source + header:Ce-Id". The event's ID shows the last of them.
//
// The body belongs to the ID, because the ID of many senders is that of a thing: the second change of thing 42 is another event. With
// "unique:" before its place an ID alone identifies the event.
type Extract struct {
	// ID are the places of the event's ID; the first that a message has counts: json:PATH, xml:a/b, header:NAME, form:FIELD,
	// form-json:FIELD:PATH, or several joined by " + ". A repeat has the same ID and the same body; unique: before a place says that the
	// sender gives each event an ID of its own, and that the ID alone identifies a repeat. new makes a new ID each time.
	ID []string `yaml:"id,flow"`
	// SameSignature says what a message is whose signature came before with another ID, if the sender does not sign the ID: repeat is
	// answered 200 without new work, so that nobody makes work of a recorded message; new is for a sender whose different events have
	// equal bodies.
	SameSignature string `yaml:"same_signature,omitempty" schema:"enum=repeat|new; default=repeat"`
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

// The values of Extract.SameSignature.
const (
	SameSignatureRepeat = "repeat"
	SameSignatureNew    = "new"
)

// extractor is a compiled Extract.
type extractor struct {
	id            []idPlace
	action, event []candidate
	split         string
	xmlPaths      xmlPaths
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
	for _, text := range e.ID {
		place, unique := strings.CutPrefix(text, "unique:")
		x.id = append(x.id, newIDPlace(compile(strings.Split(place, " + ")), unique))
	}
	x.action, x.event = compile(e.Action), compile(e.Event)
	if e.SameSignature != "" && e.SameSignature != SameSignatureRepeat && e.SameSignature != SameSignatureNew {
		errs = append(errs, fmt.Errorf("same_signature: %q is neither %s nor %s", e.SameSignature, SameSignatureRepeat, SameSignatureNew))
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
		return c, fmt.Errorf("%q is none of json:a.b, xml:a/b, form:name, form-json:field:a.b, header:Name, word:text, new; an event.id joins places by \" + \" and unique: may stand before it", text)
	}
	return c, nil
}

// read returns the identity of a payload. It is valid for every body: a missing ID becomes the hash of the body, and a
// missing action becomes event.Unreadable.
func (x *extractor) read(p *payload) identity {
	var found identity
	for i := range x.id {
		if found = x.id[i].read(p); found.id != "" {
			break
		}
	}
	if found.id == "" {
		found.id = event.NewID("", p.body)
	}
	words := x.words(nil, p.first(x.action))
	if len(words) > 0 {
		words = x.words(words, p.first(x.event))
	}
	found.action = event.NewAction(words...)
	return found
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
