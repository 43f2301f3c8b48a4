package handler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is one kind of handlers: the struct of its part of the configuration file, and its constructor.
type Kind struct {
	config any
	make   func(decode func(into any) error) (Handler, error)
}

// NewKind describes a kind. The fields of C have yaml tags; a key that C lacks is an error. defaults holds the values of the keys that a
// file leaves out, and no map. construct checks everything that it can and does no I/O, because `hookline config check` calls it too.
func NewKind[C any](defaults C, construct func(C) (Handler, error)) Kind {
	return Kind{defaults, func(decode func(into any) error) (Handler, error) {
		c := defaults
		if err := decode(&c); err != nil {
			return nil, err
		}
		return construct(c)
	}}
}

// Config returns the kind's configuration with its defaults: the schema and the reference are made of it.
func (k Kind) Config() any { return k.config }

// Registry holds the kinds of handlers that a program knows.
type Registry map[string]Kind

// New makes a handler of the given kind; decode fills the kind's configuration from the file. An unknown kind is an error that lists the
// known ones.
func (r Registry) New(kind string, decode func(into any) error) (Handler, error) {
	k, ok := r[kind]
	if !ok {
		return nil, fmt.Errorf("no handler of kind %q; there are %s", kind, strings.Join(r.Kinds(), ", "))
	}
	h, err := k.make(decode)
	if err != nil {
		return nil, fmt.Errorf("handler %s: %w", kind, err)
	}
	return h, nil
}

// Kinds lists the known kinds in order.
func (r Registry) Kinds() []string { return slices.Sorted(maps.Keys(r)) }
