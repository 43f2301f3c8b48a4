package config

import (
	"errors"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/schedule"
)

// scheduled tells whether a source is driven by the clock.
func scheduled(source *yaml.Node) bool {
	kind := child(source, "kind")
	return kind != nil && kind.Value == "schedule"
}

// schedule reads a source that is driven by the clock.
func (b builder) schedule(name string, node *yaml.Node) schedule.Source {
	path := []string{"sources", name}
	var s schedule.Source
	b.decode(withoutKind(node), path, &s)
	for _, err := range split(s.Check(name)) {
		var field *schedule.FieldError
		if errors.As(err, &field) {
			b.blame(append(path, field.Field), field.Err)
		}
	}
	return s
}
