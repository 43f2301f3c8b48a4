package handler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Factory makes a handler of one kind from its part of the configuration file. decode fills a struct with yaml tags
// and refuses keys that the struct does not have. A factory checks everything it can and does no I/O, since
// `hookline config check` calls it too.
type Factory func(decode func(into any) error) (Handler, error)

// Registry holds the kinds of handlers that a program knows.
type Registry map[string]Factory

// New makes a handler of the given kind. An unknown kind is an error that lists the known ones.
func (r Registry) New(kind string, decode func(into any) error) (Handler, error) {
	factory, ok := r[kind]
	if !ok {
		return nil, fmt.Errorf("no handler of kind %q; there are %s", kind, strings.Join(r.Kinds(), ", "))
	}
	h, err := factory(decode)
	if err != nil {
		return nil, fmt.Errorf("handler %s: %w", kind, err)
	}
	return h, nil
}

// Kinds lists the known kinds in order.
func (r Registry) Kinds() []string { return slices.Sorted(maps.Keys(r)) }
