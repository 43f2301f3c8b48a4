package config

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// Changed names the keys with another value than before, in the form of listen, broker.url and routes.archive.
func (c *Config) Changed(before *Config) []string {
	var keys []string
	for _, key := range keysOfBoth(c.doc.root, before.doc.root) {
		now, was := child(c.doc.root, key), child(before.doc.root, key)
		switch {
		case same(now, was):
		case now == nil || was == nil || now.Kind != yaml.MappingNode || was.Kind != yaml.MappingNode:
			keys = append(keys, key)
		default:
			for _, below := range keysOfBoth(now, was) {
				if !same(child(now, below), child(was, below)) {
					keys = append(keys, key+"."+below)
				}
			}
		}
	}
	return keys
}

// keysOfBoth lists the keys of two mappings, sorted, each once.
func keysOfBoth(a, b *yaml.Node) []string {
	var keys []string
	for _, mapping := range []*yaml.Node{a, b} {
		for key := range pairs(mapping) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// same compares the values of two nodes. Style and the order of keys do not count.
func same(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	a, b = resolve(a), resolve(b)
	if a.Kind != b.Kind || a.Value != b.Value || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.MappingNode {
		for key, value := range pairs(a) {
			if !same(value, child(b, key)) {
				return false
			}
		}
		return true
	}
	return slices.EqualFunc(a.Content, b.Content, same)
}

// resolve returns the node of an alias, and any other node itself.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
