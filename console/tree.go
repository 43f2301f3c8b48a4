package console

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/hookline/hookline/pkg/jsonbody"
)

const (
	maxDepth   = 40   // a value that is deeper is shown as its size; browsers draw no more than some hundred
	maxNodes   = 4000 // values in a tree; the view as text has all
	openDepth  = 4    // deeper values are folded
	openValues = 200  // more values of a list are folded
)

// node is a value of a body, with everything as it came.
type node struct {
	Key   string
	Named bool   // it has a key
	Kind  string // object, list, string, number, word, deep or cut
	Text  string // of a string its text, of a number its characters
	Nodes []*node
	Rest  []*node // further values, folded
	Open  bool
}

func (n *node) add(child *node) {
	if len(n.Nodes) < openValues {
		n.Nodes = append(n.Nodes, child)
	} else {
		n.Rest = append(n.Rest, child)
	}
}

// Count says how many values there are, in words.
func (n *node) Count() string {
	count := len(n.Nodes) + len(n.Rest)
	if n.Kind == "list" {
		return many(count, "item")
	}
	if count == 1 {
		return "1 entry"
	}
	return number(int64(count)) + " entries"
}

// treeMaker makes nodes until there are too many.
type treeMaker struct{ left int }

// jsonTree returns the values of a text of jsonbody.Text.
func jsonTree(text []byte) *node {
	m := &treeMaker{maxNodes}
	return m.json(bytes.TrimSpace(text), 0)
}

// json makes a node of the value with which a text begins.
func (m *treeMaker) json(text []byte, depth int) *node {
	m.left--
	switch text[0] {
	case '"':
		return &node{Kind: "string", Text: jsonbody.Unquote(text)}
	case '{', '[':
	case 't', 'f', 'n':
		return &node{Kind: "word", Text: string(text)}
	default:
		return &node{Kind: "number", Text: string(text)}
	}
	if depth >= maxDepth {
		return &node{Kind: "deep", Text: number(int64(len(text)))}
	}
	n := &node{Kind: "object", Open: depth < openDepth}
	if text[0] == '{' {
		jsonbody.Fields(text, func(name string, value []byte) {
			if child := m.child(n, value, depth); child != nil {
				child.Key, child.Named = name, true
			}
		})
		return n
	}
	n.Kind = "list"
	for at, i := 1, 0; m.left > -1; i++ {
		for bytes.IndexByte([]byte(" \t\r\n,"), text[at]) >= 0 {
			at++
		}
		if text[at] == ']' {
			break
		}
		end := jsonbody.End(text, at)
		if child := m.child(n, text[at:end], depth); child != nil {
			child.Key, child.Named = strconv.Itoa(i), true
		}
		at = end
	}
	return n
}

// child adds a value to a node, or says once that there are more than are shown.
func (m *treeMaker) child(n *node, value []byte, depth int) *node {
	if m.left > 0 {
		child := m.json(value, depth+1)
		n.add(child)
		return child
	}
	if m.left == 0 {
		m.left--
		n.add(&node{Kind: "cut"})
	}
	return nil
}

// xmlTree returns the elements of an XML text, or nil if it is none.
func xmlTree(text []byte) *node {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("an encoding other than UTF-8") }
	root := &node{Kind: "object", Open: true}
	path := []*node{root}
	for left := maxNodes; left > 0; left-- {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && len(path) == 1 && len(root.Nodes) > 0 {
			return root
		}
		if err != nil {
			return nil
		}
		top := path[len(path)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if len(path) > maxDepth {
				return nil
			}
			child := &node{Key: t.Name.Local, Named: true, Kind: "object", Open: len(path) <= openDepth}
			for _, a := range t.Attr {
				child.add(&node{Key: "@" + a.Name.Local, Named: true, Kind: "string", Text: a.Value})
			}
			top.add(child)
			path = append(path, child)
		case xml.EndElement:
			if len(top.Nodes) == 1 && top.Nodes[0].Kind == "string" && !top.Nodes[0].Named { // an element with text only
				top.Kind, top.Text, top.Nodes = "string", top.Nodes[0].Text, nil
			}
			path = path[:len(path)-1]
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); s != "" && len(path) > 1 {
				top.add(&node{Kind: "string", Text: s})
			}
		}
	}
	root.add(&node{Kind: "cut"})
	return root
}
