package worker

import (
	"math"

	"github.com/expr-lang/expr/ast"
)

// memberFunction replaces every member access in the syntax tree. Expressions with this name are invalid.
const memberFunction = "#member"

// patcher rewrites the syntax tree before it is compiled, and finds out which places of data the expression names, and whether it
// uses $env.
type patcher struct {
	paths   dataPaths
	usesEnv bool
}

// Visit is called for each node after its children.
func (p *patcher) Visit(node *ast.Node) {
	before := *node
	p.paths.visit(before)
	defer func() { p.paths.move(before, *node) }()
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		p.usesEnv = p.usesEnv || n.Value == "$env"
		if n.Value == "null" { // JSON's word for the language's nil
			ast.Patch(node, &ast.NilNode{})
		}
	case *ast.MemberNode:
		if !n.Method {
			call := &ast.CallNode{Callee: &ast.IdentifierNode{Value: memberFunction}, Arguments: []ast.Node{n.Node, n.Property}}
			ast.Patch(node, call)
		}
	case *ast.BuiltinNode:
		if loops(n) {
			n.Arguments[0] = at(n.Arguments[0], &ast.BinaryNode{Operator: "??", Left: n.Arguments[0], Right: &ast.ArrayNode{}})
		}
	case *ast.PredicateNode:
		// The virtual machine limits memory instead of steps. So each turn of a loop allocates a list of one element,
		// which uses up that budget.
		cost := at(n.Node, &ast.ArrayNode{Nodes: []ast.Node{at(n.Node, &ast.NilNode{})}})
		n.Node = at(n.Node, &ast.SequenceNode{Nodes: []ast.Node{cost, n.Node}})
	}
}

func loops(n *ast.BuiltinNode) bool {
	if len(n.Arguments) < 2 {
		return false
	}
	_, ok := n.Arguments[1].(*ast.PredicateNode)
	return ok
}

// at gives the node to the location of from, so that error texts point there.
func at(from, to ast.Node) ast.Node {
	to.SetLocation(from.Location())
	return to
}

// member returns from[key], or nil if it is missing. A negative index counts from the end.
func member(from, key any) any {
	switch from := from.(type) {
	case map[string]any:
		if name, ok := key.(string); ok {
			return from[name]
		}
	case map[string]string:
		if name, ok := key.(string); ok {
			if value, ok := from[name]; ok {
				return value
			}
		}
	case []any:
		if i, ok := index(key); ok {
			if i < 0 {
				i += len(from)
			}
			if i >= 0 && i < len(from) {
				return from[i]
			}
		}
	}
	return nil
}

func index(key any) (int, bool) {
	switch key := key.(type) {
	case int:
		return key, true
	case float64:
		return int(key), key == math.Trunc(key) && math.Abs(key) < math.MaxInt32
	}
	return 0, false
}
