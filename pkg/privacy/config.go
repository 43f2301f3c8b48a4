package privacy

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of a Config.
const (
	MaxRules = 128 // without those of its set
	MaxPath  = 128 // bytes
	// MinKey is how long a key has to be, in bytes: IDs of people can be guessed one by one, so the key must not be.
	MinKey = 32
)

// Config says what becomes of which fields. A path is names joined by dots, "item_loan.user_id". It leads through the items of lists, and in
// XML below the root and to attributes as well. "*" is every name that no other rule names in that place. A rule is for
// all that is in its field, unless a longer path says otherwise.
type Config struct {
	// Set is a set of rules to begin with, of which the fields below change some; "" is none. See Sets.
	Set string `yaml:"set"`
	// Drop removes fields with their names.
	Drop []string `yaml:"drop"`
	// Hash puts Prefix and an HMAC-SHA256 of the value, cut to 128 bits, into its place: the same for the same value and key.
	Hash []string `yaml:"hash"`
	// Mask puts Mask into a value's place.
	Mask []string `yaml:"mask"`
	// Keep leaves fields alone that "*" would take.
	Keep []string `yaml:"keep"`
	// Key is for Hash; at least MinKey bytes if anything is hashed.
	Key string `yaml:"-"`
}

var path = regexp.MustCompile(`^[^.*\s]+(\.[^.*\s]+)*$`)

// paths goes through all of them, with what becomes of their fields.
func (c Config) paths() iter.Seq2[string, string] {
	return func(yield func(verb, path string) bool) {
		for _, list := range []struct {
			verb  string
			paths []string
		}{{drop, c.Drop}, {hash, c.Hash}, {mask, c.Mask}, {keep, c.Keep}} {
			for _, text := range list.paths {
				if !yield(list.verb, text) {
					return
				}
			}
		}
	}
}

// String is the set and what is changed of it, without the key.
func (c Config) String() string {
	var all []string
	if c.Set != "" {
		all = append(all, c.Set)
	}
	for verb, text := range c.paths() {
		all = append(all, verb+" "+text)
	}
	return strings.Join(all, ", ")
}

// New checks all of cfg and names everything that is wrong with it.
func New(cfg Config) (*Redactor, error) {
	all, err := set(cfg.Set)
	errs := []error{err}
	own := map[string]bool{}
	for verb, text := range cfg.paths() {
		switch {
		case !path.MatchString(strings.ReplaceAll(text, wildcard, "x")) || len(text) > MaxPath:
			errs = append(errs, fmt.Errorf("%s: %q is not a path such as item_loan.user_id or user_request.*", verb, text))
		case own[text]:
			errs = append(errs, fmt.Errorf("%s: %q is there twice; say one thing of it", verb, text))
		}
		own[text], all[text] = true, verb
	}
	r := &Redactor{key: []byte(cfg.Key)}
	for _, text := range slices.Sorted(maps.Keys(all)) {
		r.rules = append(r.rules, &rule{all[text], strings.Split(text, ".")})
	}
	if len(all) == 0 {
		errs = append(errs, errors.New("says nothing; name a set, or paths under drop, hash or mask"))
	}
	if len(own) > MaxRules {
		errs = append(errs, fmt.Errorf("%d paths; the limit is %d", len(own), MaxRules))
	}
	if slices.Contains(slices.Collect(maps.Values(all)), hash) && len(cfg.Key) < MinKey {
		errs = append(errs, fmt.Errorf("something is hashed, so redact_key is needed at the top of the configuration, %d characters at least and the same everywhere: `openssl rand -hex 32` makes one", MinKey))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}
