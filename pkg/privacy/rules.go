package privacy

import (
	"slices"
	"strings"
)

// What becomes of a field.
const (
	keep = "keep" // it stays, though a rule with * names its neighbours
	drop = "drop"
	hash = "hash"
	mask = "mask"
)

const wildcard = "*"

// rule says what becomes of the fields at one path.
type rule struct {
	verb  string
	steps []string
}

func (r *rule) String() string { return r.verb + " " + strings.Join(r.steps, ".") }

// rules are those that lead to the same place so far.
type rules []*rule

// enter goes one step on, to the field of that name: own is the rule for the field itself, if there is one, and below
// are those for what is in it. "*" is for names that no other of the rules names here. Upper and lower case are one:
// some who read the body make no difference either.
func (rs rules) enter(depth int, name string) (own *rule, below rules) {
	var rest *rule
	named := false
	for _, r := range rs {
		literal := strings.EqualFold(r.steps[depth], name)
		if !literal && r.steps[depth] != wildcard {
			continue
		}
		named = named || literal
		switch {
		case len(r.steps) > depth+1:
			below = append(below, r)
		case literal:
			own = stricter(own, r)
		default:
			rest = stricter(rest, r)
		}
	}
	if !named {
		own = rest
	}
	return own, below
}

// stricter is the rule that leaves less: two can end at one field when a "*" is on their way.
func stricter(a, b *rule) *rule {
	order := []string{keep, hash, mask, drop}
	if a == nil || slices.Index(order, a.verb) < slices.Index(order, b.verb) {
		return b
	}
	return a
}
