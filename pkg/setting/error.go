package setting

import (
	"errors"
	"fmt"
)

// FieldError tells the error of one field of a configuration.
type FieldError struct {
	// Field is the field's key in the configuration file, such as retry.max. Empty: the configuration as a whole.
	Field string
	Err   error
}

// Error returns "retry.max: " and the error.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: %v", e.Field, e.Err)
}

// Unwrap returns the error without its field.
func (e *FieldError) Unwrap() error { return e.Err }

// Errors collects FieldErrors.
type Errors []error

// Add notes an error of a field; nil is no error.
func (e *Errors) Add(field string, err error) {
	if err != nil {
		*e = append(*e, &FieldError{field, err})
	}
}

// Addf notes an error of a field with a text as fmt.Errorf makes it.
func (e *Errors) Addf(field, format string, args ...any) { e.Add(field, fmt.Errorf(format, args...)) }

// Err joins all errors; nil without any.
func (e Errors) Err() error { return errors.Join(e...) }

// Fields takes an error of Errors.Err apart. An error of another kind becomes one FieldError without a field.
func Fields(err error) (all []*FieldError) {
	parts := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only an error that errors.Join made, not the errors that it wraps
		parts = joined.Unwrap()
	}
	for _, part := range parts {
		var field *FieldError
		if errors.As(part, &field) {
			all = append(all, field)
		} else if part != nil {
			all = append(all, &FieldError{Err: part})
		}
	}
	return all
}
