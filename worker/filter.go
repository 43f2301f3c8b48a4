package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// MaxFilterLength is the longest filter expression in bytes.
const MaxFilterLength = 4096

// Filter is a route's where: an expression over one delivery, in the language of expr-lang.org.
//
// Its names are id, source, action, route (strings), attempt (a number), time (when the event was received), header (by
// canonical name, `header["X-Github-Event"]`) and data: the body as JSON, or null for another body. Numbers in data are
// 64-bit floats. Only the places of the body that the expression names are decoded, at most MaxFilterData of its bytes. A
// missing path is null and a loop over null is empty, so that an event of another shape is left out.
// Calculations with null fail: `data.size > 5` fails if size is missing, and `(data.size ?? 0) > 5` works.
//
// A Filter is safe for concurrent use.
type Filter struct {
	expression string
	program    *vm.Program
	needed     *dataPlace // places of the body; nil without any
}

// scope holds the names of an expression.
type scope struct {
	ID      string            `expr:"id"`
	Source  string            `expr:"source"`
	Action  string            `expr:"action"`
	Route   string            `expr:"route"`
	Attempt int               `expr:"attempt"`
	Time    time.Time         `expr:"time"`
	Header  map[string]string `expr:"header"`
	Data    any               `expr:"data"`
}

// NewFilter compiles an expression. Its error points at the place of the mistake.
func NewFilter(expression string) (*Filter, error) {
	if len(expression) > MaxFilterLength {
		return nil, fmt.Errorf("expression is longer than %d bytes", MaxFilterLength)
	}
	shape := &patcher{paths: dataPaths{open: map[ast.Node][]string{}}}
	program, err := expr.Compile(expression,
		expr.Env(scope{}), expr.AsBool(), expr.Optimize(false), expr.Patch(shape),
		expr.Function(memberFunction, func(args ...any) (any, error) { return member(args[0], args[1]), nil }))
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	if shape.usesEnv {
		return nil, errors.New("$env is not available; use the names id source action route attempt time header data")
	}
	f := &Filter{expression: expression, program: program}
	if len(shape.paths.open) > 0 {
		f.needed = shape.paths.places()
	}
	return f, nil
}

// UnmarshalYAML compiles an expression; an empty one stays an empty Filter.
func (f *Filter) UnmarshalYAML(decode func(any) error) error {
	var expression string
	if err := decode(&expression); err != nil || expression == "" {
		return err
	}
	compiled, err := NewFilter(expression)
	if err == nil {
		*f = *compiled
	}
	return err
}

// String returns the expression; empty for no filter.
func (f *Filter) String() string {
	if f == nil {
		return ""
	}
	return f.expression
}

// MarshalYAML returns the expression.
func (f *Filter) MarshalYAML() (any, error) { return f.expression, nil }

// IsZero reports whether the expression is missing. Such a filter chooses every event.
func (f *Filter) IsZero() bool { return f == nil || f.program == nil }

// Match reports whether the filter chooses d. It returns an error if the expression fails for this event, or takes more
// than a million steps through lists.
func (f *Filter) Match(d event.Delivery) (bool, error) { return f.match(context.Background(), d, nil) }

// match is Match within a budget. It returns an error that is no filterError if ctx ends before the budget has room.
func (f *Filter) match(ctx context.Context, d event.Delivery, decoding *jsonbody.Budget) (bool, error) {
	e := d.Event
	env := scope{ID: e.ID, Source: e.Source, Action: e.Action, Route: d.Route, Attempt: d.Attempt, Time: e.Time, Header: e.Header}
	if f.needed != nil {
		found, err := newExcerpt(e.Data, f.needed)
		if err != nil {
			return false, &filterError{err}
		}
		free, err := decoding.Take(ctx, found.bytes)
		if err != nil {
			return false, err
		}
		defer free()
		env.Data = found.decode()
	}
	out, err := expr.Run(f.program, env)
	if err != nil {
		return false, &filterError{place(err)}
	}
	switch chosen := out.(type) {
	case bool:
		return chosen, nil
	case nil:
		return false, nil
	}
	return false, &filterError{fmt.Errorf("the expression is a %T for this event, not true or false", out)}
}

// place returns an error with the place where an expression failed, for logs. It leaves out the text of err, because that
// can quote the event.
func place(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return errors.New("no answer for this event")
	}
	return fmt.Errorf("no answer for this event (%d:%d); give a value that can be missing a default, as in (data.size ?? 0) > 5%s", at.Line, at.Column+1, at.Snippet)
}

// filterError reports that a filter failed for an event.
type filterError struct{ err error }

func (e *filterError) Error() string { return "where: " + e.err.Error() }
func (e *filterError) Unwrap() error { return e.err }
