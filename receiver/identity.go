package receiver

import (
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
)

// identity has the ID and action of a message's event.
type identity struct {
	id, action string
	named      string // the sender's ID without the hash of the body; empty if the ID is made here
	made       bool   // the ID is new for each message
}

// idPlace is one possible place of an ID: one or several values of a message.
type idPlace struct {
	parts  []candidate // the ID shows the last of them
	unique bool        // the sender gives each event an ID of its own
	made   bool        // the ID is new for each message
}

func newIDPlace(parts []candidate, unique bool) idPlace {
	for i := range parts {
		parts[i].number = true
	}
	made := slices.ContainsFunc(parts, func(c candidate) bool { return c.place == "new" })
	return idPlace{parts: parts, unique: unique || made, made: made}
}

// read returns the identity of a payload without its action. It is zero if the payload lacks a part.
func (l *idPlace) read(p *payload) identity {
	last := len(l.parts) - 1
	text := p.find(l.parts[last])
	if strings.TrimSpace(text) == "" {
		return identity{}
	}
	var others [][]byte
	for _, c := range l.parts[:last] {
		other := p.find(c)
		if other == "" {
			return identity{}
		}
		others = append(others, []byte(other))
	}
	named := event.NewID(text, nil)
	if len(others) > 0 {
		named = event.NewIDWithDigest(text, others...)
	}
	switch {
	case l.made:
		return identity{id: named, made: true}
	case l.unique:
		return identity{id: named, named: named}
	}
	return identity{id: event.NewIDWithDigest(text, append(others, p.body)...), named: named}
}

// unsignedID reports whether anybody who has a signed message can change its ID: it is in a header that the sender does not sign.
func (x *extractor) unsignedID(v *signature.Verifier) bool {
	unsigned := func(c candidate) bool { return c.place == "header" && !v.SignsHeader(c.name) }
	return v.SignsBody() && slices.ContainsFunc(x.id, func(l idPlace) bool { return slices.ContainsFunc(l.parts, unsigned) })
}
