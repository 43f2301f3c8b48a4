package transfer

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	exprfile "github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/hookline/hookline/alma/marc"
)

// maxExpression limits an expression, in bytes.
const maxExpression = 4096

// scope holds the functions and variables of an expression: field("245$a") is the first such value or "", fields("650$a") all such
// values, has("856") is true if there is one; leader; n is the record's number in the file; file; job.
type scope struct {
	Field  func(string) (string, error)   `expr:"field"`
	Fields func(string) ([]string, error) `expr:"fields"`
	Has    func(string) (bool, error)     `expr:"has"`
	Leader string                         `expr:"leader"`
	N      int                            `expr:"n"`
	File   string                         `expr:"file"`
	Job    string                         `expr:"job"`

	record    marc.Record
	selectors map[string]marc.Selector
}

// newScope returns the scope for one file. set puts its records into it one after the other.
func newScope(job, file string) *scope {
	s := &scope{Job: job, File: file, selectors: map[string]marc.Selector{}}
	s.Fields = s.values
	s.Field = func(selector string) (string, error) {
		all, err := s.values(selector)
		if len(all) == 0 {
			return "", err
		}
		return all[0], nil
	}
	s.Has = func(selector string) (bool, error) {
		all, err := s.values(selector)
		return len(all) > 0, err
	}
	return s
}

func (s *scope) set(r marc.Record, n int) { s.record, s.Leader, s.N = r, r.Leader, n }

func (s *scope) values(text string) ([]string, error) {
	selector, ok := s.selectors[text]
	if !ok {
		var err error
		if selector, err = marc.ParseSelector(text); err != nil {
			return nil, err
		}
		s.selectors[text] = selector
	}
	return selector.Values(s.record), nil
}

// compile compiles an expression in the language of expr-lang.org.
func compile(expression string, options ...expr.Option) (*vm.Program, error) {
	if len(expression) > maxExpression {
		return nil, fmt.Errorf("is longer than %d bytes", maxExpression)
	}
	program, err := expr.Compile(expression, append(options, expr.Env(scope{}))...)
	if err != nil {
		return nil, err
	}
	node, named := program.Node(), &namedFields{}
	ast.Walk(&node, named)
	return program, errors.Join(named.errs...)
}

// namedFields checks the fields that an expression names. A wrong name would make every record a bad one.
type namedFields struct{ errs []error }

// Visit implements ast.Visitor.
func (n *namedFields) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok {
		return
	}
	if _, ok = call.Callee.(*ast.IdentifierNode); !ok { // a method
		return
	}
	for _, argument := range call.Arguments {
		if text, ok := argument.(*ast.StringNode); ok {
			_, err := marc.ParseSelector(text.Value)
			n.errs = append(n.errs, err)
		}
	}
}

// run evaluates a program for the record in s. Its error names the position in the expression, without the language's own
// text: that can quote the record, and the error goes to the log.
func (s *scope) run(program *vm.Program) (any, error) {
	out, err := expr.Run(program, *s)
	var at *exprfile.Error
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &at):
		return nil, fmt.Errorf("the expression has no result (%d:%d)%s", at.Line, at.Column+1, at.Snippet)
	}
	return nil, errors.New("the expression has no result")
}
