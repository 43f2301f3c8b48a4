package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/hookline/hookline/pkg/event"
)

// MaxFilterLength is the longest filter expression in bytes.
const MaxFilterLength = 4096

// Filter is a route's where: an expression over one delivery, written in the language of expr-lang.org.
//
// It knows id, source, action, route (strings), attempt (a number), time (when the event was received), header (by
// canonical name, `header["X-Github-Event"]`) and data: the body as JSON, null if it is none. Numbers in data are
// 64-bit floats. A path that leads nowhere is null and a loop over null is empty, so that an event of another shape
// is not chosen instead of being an error. Null itself is not a number: `data.size > 5` fails where size is
// missing, `(data.size ?? 0) > 5` does not.
//
// A Filter holds no state: it is safe for concurrent use.
type Filter struct {
	program  *vm.Program
	usesData bool
}

// scope is what an expression sees.
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

// NewFilter compiles an expression. The error of a wrong one shows the place in it.
func NewFilter(expression string) (*Filter, error) {
	if len(expression) > MaxFilterLength {
		return nil, fmt.Errorf("expression is longer than %d bytes", MaxFilterLength)
	}
	shape := &patcher{}
	program, err := expr.Compile(expression,
		expr.Env(scope{}), expr.AsBool(), expr.Optimize(false), expr.Patch(shape),
		expr.Function(memberFunction, func(args ...any) (any, error) { return member(args[0], args[1]), nil }))
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	if shape.usesEnv {
		return nil, errors.New("$env is not available; name what you need: id source action route attempt time header data")
	}
	return &Filter{program: program, usesData: shape.usesData}, nil
}

// Match tells whether the filter chooses d. It takes at most a million steps through lists; an error says that the
// expression has no answer for this event.
func (f *Filter) Match(d event.Delivery) (bool, error) {
	e := d.Event
	env := scope{ID: e.ID, Source: e.Source, Action: e.Action, Route: d.Route, Attempt: d.Attempt, Time: e.Time, Header: e.Header}
	if f.usesData {
		env.Data = decode(e.Data)
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

// place says where an expression failed and leaves out why: the language's own words can quote the event, and this
// goes into logs.
func place(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return errors.New("no answer for this event")
	}
	return fmt.Errorf("no answer for this event (%d:%d); what can be missing wants a default, as in (data.size ?? 0) > 5%s", at.Line, at.Column+1, at.Snippet)
}

// decode is the body as JSON, or nil.
func decode(body []byte) any {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}

// filterError says that a filter has no answer for an event.
type filterError struct{ err error }

func (e *filterError) Error() string { return "where: " + e.err.Error() }
func (e *filterError) Unwrap() error { return e.err }
