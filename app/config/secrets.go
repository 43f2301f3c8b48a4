package config

import (
	"errors"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/pkg/signature"
)

// secretsFile is one secret, or a list of secrets, each a text or a mapping with a label and an end.
type secretsFile []signature.Secret

type secretFile struct {
	Value    string    `yaml:"value"`
	Label    string    `yaml:"label"`
	NotAfter time.Time `yaml:"not_after"`
}

// UnmarshalYAML takes any of the forms. It never puts a value into an error.
func (s *secretsFile) UnmarshalYAML(node *yaml.Node) error {
	items := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		items = node.Content
	}
	for _, item := range items {
		var f secretFile
		if item = target(item); item.Kind == yaml.ScalarNode {
			f.Value = item.Value
		} else if err := item.Decode(&f); err != nil {
			return err
		}
		if f.Value == "" {
			return errors.New("secrets: a value is empty")
		}
		*s = append(*s, signature.Secret{Value: f.Value, Label: f.Label, NotAfter: f.NotAfter})
	}
	return nil
}
