package handler

import (
	"errors"
	"strings"
	"time"
)

// Permanent marks err as final: the event becomes a dead letter at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether Permanent marked err or an error that err wraps.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// RetryAfter asks for the next attempt after d instead of the route's own delay. This attempt counts as failed.
// RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err, d}
}

// AfterOf returns the delay that RetryAfter gave to err or to an error that err wraps. The second result is false if RetryAfter was not used.
func AfterOf(err error) (time.Duration, bool) {
	var r *retryError
	if errors.As(err, &r) {
		return r.after, true
	}
	return 0, false
}

// Private adds detail to err: text that can quote the event, such as the output of a program or the answer of a service. A
// dead letter shows the detail, beside the event itself, and the log leaves it out. Private(nil, detail) is nil.
func Private(err error, detail string) error {
	if err == nil || detail == "" {
		return err
	}
	return &privateError{err, detail}
}

// LogText returns the text of err for logs. It leaves out the details that Private added to err or to errors that err wraps.
func LogText(err error) string {
	text := err.Error()
	for _, p := range privates(err) {
		text = strings.ReplaceAll(text, p.Error(), p.err.Error())
	}
	return text
}

// privates returns the private errors in err's tree, outer ones first.
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
