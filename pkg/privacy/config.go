package privacy

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/setting"
)

// Limits of a Config.
const (
	MaxRules = 128 // without those of its set
	MaxPath  = 128 // bytes
	// MinKey is how long a key has to be, in bytes: IDs of people can be guessed one by one, so the key must not be.
	MinKey = 32
)

// Config are rules for the personal data of events. A path is names joined by dots, such as item_loan.user_id. It leads through the items
// of lists, and in XML below the root and to attributes as well. "*" is every name that no other rule names in that place. A rule holds for
// everything in its field, unless a longer path names another rule.
type Config struct {
	// Set is a set of rules to begin with; the other keys change some of them.
	Set string `yaml:"set" schema:"enum=alma-patrons"`
	// Drop are fields to remove, such as item_loan.user_id. A path leads through lists, and in XML below the root; * is every name that no
	// other rule names in that place.
	Drop []string `yaml:"drop"`
	// Hash are fields that get a pseudonym: an HMAC-SHA256 of the value with redact_key, cut to 128 bits.
	Hash []string `yaml:"hash"`
	// Mask are fields that get *** in place of their value.
	Mask []string `yaml:"mask"`
	// Keep protects fields from *.
	Keep []string `yaml:"keep"`
	// Key is the key for Hash; at least MinKey bytes if anything is hashed.
	Key setting.Secret `yaml:"-"`
}

// UnmarshalYAML reads the rules, or the name of a set alone.
func (c *Config) UnmarshalYAML(decode func(any) error) error {
	if decode(&c.Set) == nil {
		return nil
	}
	type rules Config
	return decode((*rules)(c))
}

// MarshalYAML shows the rules in one line.
func (c Config) MarshalYAML() (any, error) { return c.String(), nil }

var path = regexp.MustCompile(`^[^.*\s]+(\.[^.*\s]+)*$`)

// paths goes through all paths with their rules.
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

// String is the set and the rules beside it, without the key.
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
			errs = append(errs, fmt.Errorf("%s: %q is there twice; keep one of the two", verb, text))
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
