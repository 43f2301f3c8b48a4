package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/expect"
)

// Warnings names the settings that are allowed, and usually mistakes: weak secrets, and patterns without a source.
func (c *Config) Warnings() []Problem { return append(c.weakSecrets(), c.strangePatterns()...) }

// weakSecrets names the sources that take secrets that a stranger can guess.
func (c *Config) weakSecrets() (all []Problem) {
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		if err := c.Sources[name].Weakness(); err != nil {
			all = append(all, c.doc.at([]string{"sources", name, "weak_secrets"}, "%s: who guesses it can send events", oneLine(err.Error())))
		}
	}
	return all
}

// expects tells whether a route expects events, so that there can be events of missing ones.
func (c *Config) expects() bool {
	return slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Expect != nil })
}

// strangePatterns names patterns that begin with the name of no source. They are allowed, because another program may publish such events on
// RabbitMQ, but usually they are mistakes.
func (c *Config) strangePatterns() (all []Problem) {
	for _, route := range c.Routes {
		for i, pattern := range route.Match {
			word, _, _ := strings.Cut(pattern, ".")
			_, sends := c.Sources[word]
			_, emits := c.Schedules[word]
			if sends || emits || word == "*" || word == "#" || word == expect.Source && c.expects() {
				continue
			}
			at := []string{"routes", route.Name, "match"}
			if c.doc.find(at).Kind == yaml.SequenceNode {
				at = append(at, strconv.Itoa(i))
			}
			all = append(all, c.doc.at(at, "there is no source %q, so no event that Hookline receives matches %s", word, pattern))
		}
	}
	return all
}
