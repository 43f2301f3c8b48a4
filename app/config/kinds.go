package config

import (
	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/pkg/handler"
)

// Kinds are what routes can be made of.
type Kinds struct {
	// Handlers by kind.
	Handlers handler.Registry
	// Enrich makes a handler that adds to each event what its route's "enrich" asks for, and gives it to next.
	Enrich func(decode func(into any) error, next handler.Handler) (handler.Handler, error)
}

// MakeKinds makes them for the institutions that a configuration names.
type MakeKinds func(institutions map[string]alma.Config) Kinds

// institutions reads how each institution's API is reached.
func (b *builder) institutions(mapping *yaml.Node) map[string]alma.Config {
	all := map[string]alma.Config{}
	for name, node := range pairs(mapping) {
		path := []string{"alma", name}
		if b.wrong(path...) {
			continue
		}
		var c alma.Config
		b.decode(node, path, &c)
		b.blame(path, c.Check())
		all[name] = c
	}
	return all
}

// enrich puts the route's step before h, if it has one. It is also checked where h is missing, since that is wrong.
func (b *builder) enrich(route []string, node *yaml.Node, h handler.Handler) handler.Handler {
	if node.IsZero() {
		return h
	}
	step, err := b.kinds.Enrich(func(into any) error { return node.Load(into, yaml.WithKnownFields()) }, h)
	b.blame(append(route, "enrich"), err)
	if err != nil {
		return h
	}
	return step
}
