package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Problem is one error in a configuration file, with its place.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 for the file as a whole
	Path         string // "routes.archive.match[0]"; empty for the file as a whole
	Message      string
}

// Error is "hookline.yml:5:3: routes.archive: message", as compilers write it.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// document is a parsed file with the position of every value.
type document struct {
	file string
	root *yaml.Node // the top mapping

	expanded map[*yaml.Node]bool // values from the environment or a file
	problems []Problem
}

func parse(file string, text []byte) (*document, error) {
	var top yaml.Node
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, Problem{File: file, Message: "is empty; `hookline config show --default` prints a file to start from"}
	}
	if err := yaml.Load(text, &top); err != nil {
		return nil, syntaxProblem(file, err)
	}
	if top.Kind != yaml.DocumentNode || len(top.Content) != 1 || top.Content[0].Kind != yaml.MappingNode {
		return nil, Problem{File: file, Message: "expected a mapping with keys such as sources and routes"}
	}
	return &document{file: file, root: top.Content[0], expanded: map[*yaml.Node]bool{}}, nil
}

// quotedValue is the value in a message of package yaml. It can be a secret.
var quotedValue = regexp.MustCompile("(?s)`.*`")

func withoutValue(message string) string {
	return quotedValue.ReplaceAllString(message, "this value")
}

func syntaxProblem(file string, err error) Problem {
	p := Problem{File: file, Message: err.Error()}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		p.Line, p.Column, p.Message = at.Mark.Line, max(at.Mark.Column, 1), at.Message
	}
	p.Message = withoutValue(p.Message)
	if strings.Contains(p.Message, "cannot start any token") {
		p.Message += "; YAML is indented with spaces, not tabs"
	}
	return p
}

// add adds a problem. Of several problems at one place it keeps the first.
func (d *document) add(p Problem) {
	if !slices.ContainsFunc(d.problems, func(q Problem) bool { return q.Line == p.Line && q.Column == p.Column }) {
		d.problems = append(d.problems, p)
	}
}

// hasProblem tells whether there is a problem at or below path.
func (d *document) hasProblem(path ...string) bool {
	at := pathText(path)
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		rest, below := strings.CutPrefix(p.Path, at)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// hasKeyProblem tells whether there is a problem with the key that ends path.
func (d *document) hasKeyProblem(path []string) bool {
	key := keyNode(d.find(path[:len(path)-1]), path[len(path)-1])
	return key != nil && slices.ContainsFunc(d.problems, func(p Problem) bool { return p.Line == key.Line && p.Column == key.Column })
}

// err joins all problems in the order of the file.
func (d *document) err() error {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for _, p := range d.problems {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// at makes a Problem of the value at path.
func (d *document) at(path []string, format string, args ...any) Problem {
	return d.problem(d.find(path), path, fmt.Sprintf(format, args...))
}

// atKey is at for the key that ends path, rather than for its value.
func (d *document) atKey(path []string, format string, args ...any) Problem {
	node := d.find(path[:len(path)-1])
	if key := keyNode(node, path[len(path)-1]); key != nil {
		node = key
	}
	return d.problem(node, path, fmt.Sprintf(format, args...))
}

func (d *document) problem(node *yaml.Node, path []string, message string) Problem {
	return Problem{File: d.file, Line: node.Line, Column: node.Column, Path: pathText(path), Message: message}
}

// find returns the node at path, or the last existing node on the way to it. It follows aliases.
func (d *document) find(path []string) *yaml.Node {
	node := d.root
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return resolve(node)
}

func child(node *yaml.Node, step string) *yaml.Node {
	switch node = resolve(node); node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	}
	return nil
}

// pairs goes through a mapping in the order of the file; nil and anything else has no pairs.
func pairs(mapping *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if mapping == nil {
			return
		}
		if mapping = resolve(mapping); mapping.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

// without is a mapping without some of its keys.
func without(mapping *yaml.Node, keys ...string) *yaml.Node {
	mapping = resolve(mapping)
	rest := *mapping
	rest.Content = nil
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if !slices.Contains(keys, mapping.Content[i].Value) {
			rest.Content = append(rest.Content, mapping.Content[i], mapping.Content[i+1])
		}
	}
	return &rest
}

// pathOf returns the path of the value at a line and a column inside node, which is at path itself; path without such a value.
func (d *document) pathOf(path []string, node *yaml.Node, line, column int) []string {
	if found := search(path, node, line, column); found != nil {
		return found
	}
	return path
}

func search(path []string, node *yaml.Node, line, column int) []string {
	if node.Line == line && node.Column == column {
		return path
	}
	for i := range node.Content {
		step, value := strconv.Itoa(i), node.Content[i]
		if node.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			step = node.Content[i-1].Value
		}
		if found := search(append(path[:len(path):len(path)], step), value, line, column); found != nil {
			return found
		}
	}
	return nil
}

func keyNode(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i]
		}
	}
	return nil
}

func pathText(path []string) string {
	var b strings.Builder
	for _, step := range path {
		if _, err := strconv.Atoi(step); err == nil {
			b.WriteString("[" + step + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}
