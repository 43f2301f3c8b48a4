package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// variable is ${NAME}, ${NAME:-default} or the escape $${.
var variable = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}`)

const fileSuffix = "_file"

// expand replaces ${NAME} in every value, and "key_file: path" by "key: <content of the file>". It adds the contents to read.
func (d *document) expand(env Env, read contents) { expander{d, env, read}.walk(d.root, nil) }

type expander struct {
	*document
	env  Env
	read contents
}

func (e expander) walk(node *yaml.Node, path []string) {
	e.checkTag(node, path)
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			at := append(path[:len(path):len(path)], key.Value)
			e.walk(value, at)
			if name, ok := strings.CutSuffix(key.Value, fileSuffix); ok && value.Kind == yaml.ScalarNode {
				e.readFile(node, key, value, name, at)
			}
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			e.walk(item, append(path[:len(path):len(path)], fmt.Sprint(i)))
		}
	case yaml.ScalarNode:
		e.substitute(node, path)
	}
}

// checkTag refuses tags that are not YAML's own. Such a tag is a value without quotes, and can be a secret: the problem leaves it out.
func (e expander) checkTag(node *yaml.Node, path []string) {
	switch node.ShortTag() {
	case "", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!merge", "!!timestamp", "!!binary":
		return
	}
	e.add(e.problem(node, path, "begins with !, which is a tag in YAML; put the value in quotes"))
	node.Tag = ""
}

func (e expander) substitute(node *yaml.Node, path []string) {
	if node.ShortTag() == "!!timestamp" {
		node.Tag = "!!str" // the schema knows texts; a field of type time.Time reads its value from a text
	}
	if !strings.Contains(node.Value, "${") {
		return
	}
	node.Value = variable.ReplaceAllStringFunc(node.Value, func(found string) string {
		if found == "$${" {
			return "${"
		}
		parts := variable.FindStringSubmatch(found)
		value, ok := e.env(parts[1])
		if ok && value != "" {
			return value
		}
		if parts[2] == "" {
			e.add(e.problem(node, path, fmt.Sprintf("the environment variable %s is not set; set it, or write ${%s:-default}", parts[1], parts[1])))
		}
		return strings.TrimPrefix(parts[2], ":-")
	})
	node.Tag = "!!str" // a secret of digits is a text; validate makes a number of it where one is wanted
	e.expanded[node] = true
}

// plainText returns an error for a file in an encoding whose marks would become part of the value: UTF-16, or UTF-8 with a byte order mark.
// An editor on Windows, or a redirection in its PowerShell, writes such a file.
func plainText(file, text string) error {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff", "\x00"} {
		if strings.HasPrefix(text, mark) || mark == "\x00" && strings.Contains(text, mark) {
			return fmt.Errorf("%s is not plain UTF-8: save it again as UTF-8 without a byte order mark", file)
		}
	}
	return nil
}

// readFile changes the pair in place, so that errors about the value still point to its line.
func (e expander) readFile(parent, key, value *yaml.Node, name string, path []string) {
	if strings.HasSuffix(name, fileSuffix) {
		e.add(e.atKey(path, "unknown key; write %s for the key in a file", name))
		return
	}
	if child(parent, name) != nil {
		e.add(e.atKey(path, "%s is given as well; keep one of the two", name))
		return
	}
	file := value.Value
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(e.file), file)
	}
	text, err := e.read.file(file)
	if err == nil {
		err = plainText(file, text)
	}
	if err != nil {
		message := err.Error()
		if name == "secrets" && errors.Is(err, fs.ErrNotExist) {
			message += fmt.Sprintf("; write the sender's secret into it, or make one: `hookline config secret %s`", file)
		}
		e.add(e.problem(value, path, message))
		return
	}
	key.Value = name
	value.SetString(strings.TrimRight(text, "\r\n"))
	e.expanded[value] = true
}
