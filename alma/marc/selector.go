package marc

import (
	"fmt"
	"regexp"
)

// Selector selects fields, "245" or "6XX" (X is any character), or one of their subfields, "245$a".
type Selector struct {
	tag  string
	code byte // 0: the whole field
}

var selectorForm = regexp.MustCompile(`^([0-9A-Za-z]{3})(?:\$([!-~]))?$`)

// ParseSelector parses a selector.
func ParseSelector(text string) (Selector, error) {
	parts := selectorForm.FindStringSubmatch(text)
	if parts == nil {
		return Selector{}, fmt.Errorf("%q names no field; write a tag, 245 or 6XX, or a subfield, 245$a", text)
	}
	s := Selector{tag: parts[1]}
	if parts[2] != "" {
		s.code = parts[2][0]
	}
	return s, nil
}

// Tag returns the tag; exact is false if it has an X for any character.
func (s Selector) Tag() (tag string, exact bool) {
	for i := range s.tag {
		if s.tag[i] == 'X' {
			return s.tag, false
		}
	}
	return s.tag, true
}

// Code returns the subfield's code, or 0 for a whole field.
func (s Selector) Code() byte { return s.code }

// Matches reports whether s selects a field with this tag, or one of its subfields.
func (s Selector) Matches(tag string) bool {
	if len(tag) != len(s.tag) {
		return false
	}
	for i := range s.tag {
		if s.tag[i] != 'X' && s.tag[i] != tag[i] {
			return false
		}
	}
	return true
}

// Values returns the values of the selected fields or subfields, in order. The value of a whole data field is those of its subfields,
// joined by blanks.
func (s Selector) Values(r Record) []string {
	var all []string
	for _, f := range r.Fields {
		switch {
		case !s.Matches(f.Tag):
		case s.code == 0:
			all = append(all, f.Text())
		default:
			for _, sub := range f.Subfields {
				if sub.Code == s.code {
					all = append(all, sub.Value)
				}
			}
		}
	}
	return all
}

// Text returns the value of a control field, or the values of a data field's subfields joined by blanks.
func (f Field) Text() string {
	text := f.Value
	for i, s := range f.Subfields {
		if i > 0 {
			text += " "
		}
		text += s.Value
	}
	return text
}
