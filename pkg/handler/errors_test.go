package handler_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/handler"
)

func TestErrorsKeepTheirMarkWhenWrapped(t *testing.T) {
	cause := errors.New("cause")
	permanent := fmt.Errorf("wrapped: %w", handler.Permanent(cause))
	if !handler.IsPermanent(permanent) || !errors.Is(permanent, cause) || handler.IsPermanent(cause) {
		t.Errorf("permanent: %v", permanent)
	}
	later := fmt.Errorf("wrapped: %w", handler.RetryAfter(time.Minute, cause))
	if d, ok := handler.AfterOf(later); !ok || d != time.Minute || !errors.Is(later, cause) {
		t.Errorf("after %v, %v", d, ok)
	}
	if handler.Private(nil, "x") != nil || handler.Permanent(nil) != nil || handler.RetryAfter(1, nil) != nil {
		t.Error("nil became an error")
	}
}

func TestAPrivateDetailIsInTheErrorAndNotInTheLog(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err       error
		text, log string
	}{
		{handler.Permanent(handler.Private(cause, "patron")), "cause: patron", "cause"},
		{fmt.Errorf("wrapped: %w", handler.Private(cause, "patron")), "wrapped: cause: patron", "wrapped: cause"},
		{errors.Join(handler.Private(cause, "patron"), handler.Private(cause, "b")), "cause: patron\ncause: b", "cause\ncause"},
		{handler.Private(fmt.Errorf("a: %w", handler.Private(cause, "patron")), "b"), "a: cause: patron: b", "a: cause"},
		{handler.Private(cause, ""), "cause", "cause"},
	} {
		if c.err.Error() != c.text || handler.LogText(c.err) != c.log || !errors.Is(c.err, cause) {
			t.Errorf("%q, logged as %q", c.err, handler.LogText(c.err))
		}
	}
}
