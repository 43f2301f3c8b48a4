package config

import "go.yaml.in/yaml/v4"

// merge replaces each "<<" by the keys of the mappings that it names, so that no other code has to know it: a mapping's own keys win, then
// those of the first mapping that has them.
func (d *document) merge() { merger{}.walk(d.root) }

// merger holds the visited nodes.
type merger map[*yaml.Node]bool

func (m merger) walk(node *yaml.Node) {
	node = resolve(node)
	if m[node] {
		return
	}
	m[node] = true
	for _, below := range node.Content {
		m.walk(below)
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	own := yaml.Node{Kind: yaml.MappingNode}
	var others []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		found, ok := mappings(node.Content[i+1])
		if ok && node.Content[i].ShortTag() == "!!merge" {
			others = append(others, found...)
		} else {
			own.Content = append(own.Content, node.Content[i], node.Content[i+1])
		}
	}
	for _, other := range others {
		for i := 0; i+1 < len(other.Content); i += 2 {
			if keyNode(&own, other.Content[i].Value) == nil {
				own.Content = append(own.Content, other.Content[i], other.Content[i+1])
			}
		}
	}
	node.Content = own.Content
}

// mappings returns the mappings that a merge key's value names: one, or a list. Any other value stays, and the schema refuses it.
func mappings(value *yaml.Node) (all []*yaml.Node, ok bool) {
	switch value = resolve(value); value.Kind {
	case yaml.MappingNode:
		return []*yaml.Node{value}, true
	case yaml.SequenceNode:
		for _, item := range value.Content {
			if item = resolve(item); item.Kind != yaml.MappingNode {
				return nil, false
			}
			all = append(all, item)
		}
		return all, true
	}
	return nil, false
}
