package transfer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/hookline/hookline/alma/marc"
)

// Change is one step of the changes to each record, with exactly one of its keys. Fields are named as "245", "6XX" (X is any character) or
// "245$a", one of its subfields.
type Change struct {
	// Keep removes all other fields; the leader stays: 245, 6XX (X is any character), or a subfield, 245$a.
	Keep []string `yaml:"keep"`
	// Drop removes fields: 245, 6XX (X is any character), or a subfield, 245$a. A field that loses its last subfield goes too, here and in keep.
	Drop []string `yaml:"drop"`
	// Rename gives fields or subfields another tag or code.
	Rename *Rename `yaml:"rename"`
	// Set gives a field or a subfield a value.
	Set *Set `yaml:"set"`

	_ struct{} `schema:"minProperties=1; maxProperties=1"`
}

// Rename is from 035 to 935, or from 245$a to 245$b.
type Rename struct {
	// From is 035, or 245$a.
	From string `yaml:"from" schema:"required"`
	// To is 935, or 245$b.
	To string `yaml:"to" schema:"required"`
}

// Set gives Field ("003" or "999$a") the value of the expression Value. A field that is there is changed, the first one
// if there are several; else one is added behind the others, with blank indicators. Null or an empty text changes nothing.
type Set struct {
	// Field is a control field, 003, or a subfield, 999$a.
	Field string `yaml:"field" schema:"required"`
	// Value is an expression: "(EXL)" + field("001").
	Value string `yaml:"value" schema:"required"`
}

// step changes the scope's record.
type step func(s *scope) error

func newSteps(changes []Change) (steps []step, err error) {
	var errs []error
	for i, c := range changes {
		step, err := c.build()
		if err != nil {
			errs = append(errs, fmt.Errorf("change.%d: %w", i, err))
		}
		steps = append(steps, step)
	}
	return steps, errors.Join(errs...)
}

func (c Change) build() (step, error) {
	var steps []step
	var errs []error
	add := func(s step, err error) { steps, errs = append(steps, s), append(errs, err) }
	if c.Keep != nil {
		add(choose(c.Keep, true))
	}
	if c.Drop != nil {
		add(choose(c.Drop, false))
	}
	if c.Rename != nil {
		add(c.Rename.build())
	}
	if c.Set != nil {
		add(c.Set.build())
	}
	if len(steps) != 1 {
		return nil, errors.New("needs exactly one of keep, drop, rename and set; write a list item for each")
	}
	return steps[0], errs[0]
}

// choose keeps the named fields, or all others.
func choose(names []string, keep bool) (step, error) {
	var named []marc.Selector
	var errs []error
	for _, name := range names {
		selector, err := marc.ParseSelector(name)
		named, errs = append(named, selector), append(errs, err)
	}
	return func(s *scope) error {
		var kept []marc.Field
		for _, f := range s.record.Fields {
			if f, ok := chosen(f, named, keep); ok {
				kept = append(kept, f)
			}
		}
		s.record.Fields = kept
		return nil
	}, errors.Join(errs...)
}

// chosen returns the remaining part of a field, if there is one.
func chosen(f marc.Field, named []marc.Selector, keep bool) (marc.Field, bool) {
	var codes []byte
	for _, selector := range named {
		switch {
		case !selector.Matches(f.Tag):
		case selector.Code() == 0:
			return f, keep
		default:
			codes = append(codes, selector.Code())
		}
	}
	if len(codes) == 0 {
		return f, !keep
	}
	var left []marc.Subfield
	for _, sub := range f.Subfields {
		if bytes.IndexByte(codes, sub.Code) >= 0 == keep {
			left = append(left, sub)
		}
	}
	f.Subfields = left
	return f, len(left) > 0
}

func (r Rename) build() (step, error) {
	from, err := marc.ParseSelector(r.From)
	to, err2 := marc.ParseSelector(r.To)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("rename: %w", err)
	}
	tag, exact := to.Tag()
	if !exact || (from.Code() == 0) != (to.Code() == 0) || from.Code() != 0 && r.From[:3] != r.To[:3] {
		return nil, fmt.Errorf(`rename: from %q to %q is neither of a field, "035" to "935", nor of a subfield in its field, "245$a" to "245$b"`, r.From, r.To)
	}
	return func(s *scope) error {
		for i := range s.record.Fields {
			f := &s.record.Fields[i]
			switch {
			case !from.Matches(f.Tag):
			case from.Code() == 0:
				f.Tag = tag
			default:
				recode(f.Subfields, from.Code(), to.Code())
			}
		}
		return nil
	}, nil
}

func recode(subfields []marc.Subfield, from, to byte) {
	for i := range subfields {
		if subfields[i].Code == from {
			subfields[i].Code = to
		}
	}
}

func (c Set) build() (step, error) {
	field, err := marc.ParseSelector(c.Field)
	if err != nil {
		return nil, fmt.Errorf("set.field: %w", err)
	}
	tag, exact := field.Tag()
	if control := tag[:2] == "00" || tag == marc.LineTag; !exact || control != (field.Code() == 0) {
		return nil, fmt.Errorf("set.field: %q is neither a control field, 003, nor a subfield, 999$a", c.Field)
	}
	value, err := compile(c.Value)
	if err != nil {
		return nil, fmt.Errorf("set.value: %w", err)
	}
	return func(s *scope) error {
		out, err := s.run(value)
		if err != nil || out == nil || out == "" {
			return err
		}
		s.record.Fields = with(s.record.Fields, tag, field.Code(), fmt.Sprint(out))
		return nil
	}, nil
}

// with returns fields with a value set.
func with(fields []marc.Field, tag string, code byte, value string) []marc.Field {
	for i := range fields {
		if f := &fields[i]; f.Tag == tag {
			f.Set(code, value)
			return fields
		}
	}
	f := marc.Field{Tag: tag}
	if code != 0 {
		f.Ind1, f.Ind2 = ' ', ' '
	}
	f.Set(code, value)
	return append(fields, f)
}
