package privacy

import (
	"slices"
	"strings"
)

// The verbs of a rule.
const (
	keep = "keep" // protects a field from a rule with *
	drop = "drop"
	hash = "hash"
	mask = "mask"
)

const wildcard = "*"

// rule is a verb for the fields at one path.
type rule struct {
	verb  string
	steps []string
}

func (r *rule) String() string { return r.verb + " " + strings.Join(r.steps, ".") }

// rules have the same path so far.
type rules []*rule

// enter follows rules one step, into the field of that name. It returns the rule for the field itself, or nil, and
// the rules for the fields below. "*" matches names that no other of the rules names here. Upper and lower case are the same,
// because some readers of a body ignore case.
func (rs rules) enter(depth int, name string) (exact *rule, below rules) {
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
			exact = stricter(exact, r)
		default:
			rest = stricter(rest, r)
		}
	}
	if !named {
		exact = rest
	}
	return exact, below
}

// stricter returns the rule that keeps less of a value. Two rules can end at one field if a path contains "*".
func stricter(a, b *rule) *rule {
	order := []string{keep, hash, mask, drop}
	if a == nil || slices.Index(order, a.verb) < slices.Index(order, b.verb) {
		return b
	}
	return a
}
