package signature

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// template is the signed string in pieces. The pieces are hashed one by one, so that no body is copied.
type template []piece

// piece is literal text or a variable: one of the names below, or a location.
type piece struct {
	variable string // empty for literal text
	literal  []byte
	location location
}

const (
	varBody      = "body"
	varID        = "id"
	varTimestamp = "timestamp"
	varMethod    = "method"
	varURL       = "url"
	varLocation  = "location"
)

func parseTemplate(text string) (template, error) {
	var t template
	var errs []error
	for text != "" {
		literal, rest, found := strings.Cut(text, "{")
		if literal != "" {
			t = append(t, piece{literal: []byte(literal)})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			errs = append(errs, errors.New("a { without a }"))
			break
		}
		p, err := parseVariable(name)
		errs = append(errs, err)
		t = append(t, p)
		text = after
	}
	return t, errors.Join(errs...)
}

func parseVariable(name string) (piece, error) {
	switch name {
	case varBody, varID, varTimestamp, varMethod, varURL:
		return piece{variable: name}, nil
	}
	p, err := parseLocation(name)
	if err != nil {
		return piece{}, fmt.Errorf("{%s} is not known; there are {body} {id} {timestamp} {method} {url} {header:NAME} {query:NAME} {json:PATH}", name)
	}
	return piece{variable: varLocation, location: p}, nil
}

func (t template) uses(variable string) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.variable == variable })
}

// signs reports whether the signature covers the value at a location.
func (t template) signs(p location) bool {
	return slices.ContainsFunc(t, func(q piece) bool { return q.variable == varLocation && q.location == p })
}

// signsBody reports whether the signature covers the body, or a value of it.
func (t template) signsBody() bool {
	return slices.ContainsFunc(t, func(p piece) bool {
		return p.variable == varBody || p.variable == varLocation && p.location.kind == inJSON
	})
}

// fill returns the pieces with the values of r. It does not copy the body.
func (t template) fill(r Request, id, timestamp string) ([][]byte, error) {
	pieces := make([][]byte, len(t))
	for i, p := range t {
		switch p.variable {
		case "":
			pieces[i] = p.literal
		case varBody:
			pieces[i] = r.Body
		case varID:
			if err := t.checkID(i, id); err != nil {
				return nil, err
			}
			pieces[i] = []byte(id)
		case varTimestamp:
			pieces[i] = []byte(timestamp)
		case varMethod:
			pieces[i] = []byte(r.Method)
		case varURL:
			pieces[i] = []byte(r.URL)
		case varLocation:
			value, err := p.location.read(r)
			if err != nil {
				return nil, err
			}
			pieces[i] = []byte(value)
		}
	}
	return pieces, nil
}

// checkID refuses an ID that contains the literal after it: with "{id}.{timestamp}.{body}", the ID "a.1" and the time 2
// sign the same string as the ID "a", the time 1 and a body that begins with "2.".
func (t template) checkID(i int, id string) error {
	if i+1 < len(t) && len(t[i+1].literal) > 0 && strings.Contains(id, string(t[i+1].literal)) {
		return refuse(Malformed, fmt.Sprintf("the ID holds %q, which ends it", t[i+1].literal))
	}
	return nil
}
