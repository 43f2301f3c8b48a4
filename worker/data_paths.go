package worker

import (
	"encoding/json"
	"fmt"

	"github.com/expr-lang/expr/ast"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// MaxFilterData is the size in bytes of the values of one body that a filter may name. Values in memory are up to 20 times as
// large as their text.
const MaxFilterData = 4 << 20

// dataPaths finds the places of a body that an expression names: `data.job.status` is one, `data.items[0]` names all items.
// So a filter decodes these places only. It follows the syntax tree while a patcher rewrites it.
type dataPaths struct {
	open map[ast.Node][]string // the path of a node that stands for a place in data
}

// visit is called for each node after its children. It returns true if the node extends the path of its child.
func (p *dataPaths) visit(node ast.Node) {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		if n.Value == "data" {
			p.open[n] = []string{}
		}
	case *ast.ChainNode:
		p.move(n.Node, n)
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok {
			p.move(n.Node, n, name.Value)
		}
	}
}

// move gives the path of a node to its parent, with further names.
func (p *dataPaths) move(from, to ast.Node, names ...string) {
	if path, ok := p.open[from]; ok {
		delete(p.open, from)
		p.open[to] = append(path[:len(path):len(path)], names...)
	}
}

// places returns the paths as a tree.
func (p *dataPaths) places() *dataPlace {
	root := &dataPlace{}
	for _, path := range p.open {
		at := root
		for _, name := range path {
			at = at.enter(name)
		}
		at.whole = true
	}
	return root
}

// dataPlace is a place in a body: it is needed as a whole, or in some of its fields.
type dataPlace struct {
	whole  bool
	fields map[string]*dataPlace
}

func (p *dataPlace) enter(name string) *dataPlace {
	if p.fields[name] == nil {
		if p.fields == nil {
			p.fields = map[string]*dataPlace{}
		}
		p.fields[name] = &dataPlace{}
	}
	return p.fields[name]
}

// excerpt is a body with the needed places only. Their values are still text.
type excerpt struct {
	root  any
	bytes int // of the text of the values
}

// newExcerpt reads the needed places of a body. The excerpt of a body that is not JSON is empty.
func newExcerpt(body []byte, needed *dataPlace) (excerpt, error) {
	var x excerpt
	text, ok := jsonbody.Text(body)
	if !ok {
		return x, nil
	}
	x.root = x.read(text, needed)
	if x.bytes > MaxFilterData {
		return x, fmt.Errorf("the values of data that the expression names have %d bytes, more than %d; name fields within them", x.bytes, MaxFilterData)
	}
	return x, nil
}

// read returns a value as text, or as a map of the needed fields.
func (x *excerpt) read(value []byte, needed *dataPlace) any {
	if needed.whole {
		x.bytes += len(value)
		return json.RawMessage(value)
	}
	if value[0] != '{' {
		return nil
	}
	fields := map[string]any{}
	jsonbody.Fields(value, func(name string, field []byte) {
		if below := needed.fields[name]; below != nil {
			fields[name] = x.read(field, below)
		}
	})
	return fields
}

// decode returns the excerpt with its values decoded, and nil for a body that is not JSON.
func (x excerpt) decode() any { return decodeAll(x.root) }

func decodeAll(v any) any {
	switch v := v.(type) {
	case json.RawMessage:
		var value any
		if json.Unmarshal(v, &value) != nil { // a number out of range, or too many levels
			return nil
		}
		return value
	case map[string]any:
		for name := range v {
			v[name] = decodeAll(v[name])
		}
	}
	return v
}
