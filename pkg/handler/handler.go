// Package handler is what the author of a handler imports, together with package event.
package handler

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Handler does the work of a route.
//
// Handle gets the same event again after a crash, a lost connection or a replay, so it has to be safe to repeat;
// Event.ID is the same each time. It returns nil when the work is done, any error to be tried again later with
// growing delays, Permanent(err) when no repeat can help, and RetryAfter(d, err) to say itself when to come back.
// It must return soon after ctx ends: ctx carries the route's timeout and the stop of the process.
type Handler interface {
	Handle(ctx context.Context, d event.Delivery) error
}

// Func is a function used as a Handler.
type Func func(ctx context.Context, d event.Delivery) error

// Handle calls f.
func (f Func) Handle(ctx context.Context, d event.Delivery) error { return f(ctx, d) }

// Permanent marks err as final: the event becomes a dead letter without another attempt. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent tells whether Permanent made err or an error that err wraps.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// RetryAfter asks for the next attempt after d instead of the route's own delay; it counts as an attempt.
// RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err, d}
}

// AfterOf returns the delay that RetryAfter put on err or on an error that err wraps.
func AfterOf(err error) (time.Duration, bool) {
	var r *retryError
	if errors.As(err, &r) {
		return r.after, true
	}
	return 0, false
}

// Private adds to err what may quote the event, such as the words of a program or a service: a dead letter has it, beside the event
// itself, and the log does not. Private(nil, detail) is nil.
func Private(err error, detail string) error {
	if err == nil || detail == "" {
		return err
	}
	return &privateError{err, detail}
}

// LogText is what a log may say of err: without what Private added to it or to an error that it wraps.
func LogText(err error) string {
	text := err.Error()
	for _, p := range privates(err) {
		text = strings.ReplaceAll(text, p.Error(), p.err.Error())
	}
	return text
}

// privates are those in err's tree, the outer ones first.
func privates(err error) (found []*privateError) {
	switch e := err.(type) { //nolint:errorlint // it goes through the tree itself
	case *privateError:
		return append([]*privateError{e}, privates(e.err)...)
	case interface{ Unwrap() error }:
		return privates(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			found = append(found, privates(one)...)
		}
	}
	return found
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

type privateError struct {
	err    error
	detail string
}

func (e *privateError) Error() string { return e.err.Error() + ": " + e.detail }
func (e *privateError) Unwrap() error { return e.err }

type retryError struct {
	err   error
	after time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }
