package config

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Warnings names patterns that begin with the name of no source. They are allowed, because another program may publish such events on
// RabbitMQ, but usually they are mistakes.
func (c *Config) Warnings() (all []Problem) {
	for _, route := range c.Routes {
		for i, pattern := range route.Match {
			word, _, _ := strings.Cut(pattern, ".")
			_, sends := c.Sources[word]
			_, emits := c.Schedules[word]
			if sends || emits || word == "*" || word == "#" {
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
