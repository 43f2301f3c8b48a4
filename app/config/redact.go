package config

import (
	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/worker"
)

// redactFile is what becomes of personal data: a mapping, or the name of a set alone.
type redactFile struct{ privacy.Config }

// UnmarshalYAML takes both forms.
func (r *redactFile) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		r.Set = node.Value
		return nil
	}
	return node.Decode(&r.Config)
}

// redactor is nil where nothing is said.
func (b builder) redactor(path []string, f *redactFile) *privacy.Redactor {
	if f == nil {
		return nil
	}
	f.Key = b.redactKey
	r, err := privacy.New(f.Config)
	b.blame(append(path, "redact"), err)
	return r
}

// redacted puts the route's step before h, if it has one.
func (b builder) redacted(route []string, f *redactFile, h handler.Handler) handler.Handler {
	r := b.redactor(route, f)
	if r == nil || h == nil {
		return h
	}
	return worker.Redacted(r, h)
}

// showRedact is what is said at path, in one line.
func (c *Config) showRedact(path ...string) string {
	var f redactFile
	if node := child(c.doc.find(path), "redact"); node == nil || node.Decode(&f) != nil {
		return ""
	}
	return f.String()
}
