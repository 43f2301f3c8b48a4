package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	permanent := fmt.Errorf("wrapped: %w", handler.Permanent(failed))
	panicked := &panicError{value: "boom"}
	retry := Retry{Attempts: 3, First: time.Second, Max: time.Hour}
	const middle = 0.5 // no jitter
	for name, c := range map[string]struct {
		res     result
		attempt int
		verdict broker.Verdict
		reason  string
		after   time.Duration
		label   string
	}{
		"done":                         {result{}, 1, broker.VerdictAck, "", 0, "done"},
		"done after its time":          {result{cause: errTimeout}, 1, broker.VerdictAck, "", 0, "done"},
		"done while stopping":          {result{cause: ErrStopping}, 1, broker.VerdictAck, "", 0, "done"},
		"filtered":                     {result{filtered: true}, 1, broker.VerdictAck, "", 0, "filtered"},
		"first error":                  {result{err: failed}, 1, broker.VerdictRetry, ReasonError, time.Second, "retried"},
		"second error":                 {result{err: failed}, 2, broker.VerdictRetry, ReasonError, 2 * time.Second, "retried"},
		"last error":                   {result{err: failed}, 3, broker.VerdictDead, ReasonError, 0, "dead"},
		"attempts lowered since":       {result{err: failed}, 9, broker.VerdictDead, ReasonError, 0, "dead"},
		"permanent":                    {result{err: permanent}, 1, broker.VerdictDead, ReasonPermanent, 0, "dead"},
		"permanent after its time":     {result{err: permanent, cause: errTimeout}, 1, broker.VerdictDead, ReasonPermanent, 0, "dead"},
		"timeout":                      {result{err: failed, cause: errTimeout}, 1, broker.VerdictRetry, ReasonTimeout, time.Second, "retried"},
		"last timeout":                 {result{err: failed, cause: errTimeout}, 3, broker.VerdictDead, ReasonTimeout, 0, "dead"},
		"panic":                        {result{err: panicked}, 1, broker.VerdictRetry, ReasonPanic, time.Second, "retried"},
		"panic after its time":         {result{err: panicked, cause: errTimeout}, 1, broker.VerdictRetry, ReasonPanic, time.Second, "retried"},
		"crashed":                      {result{err: errCrashed}, 1, broker.VerdictRetry, ReasonCrashed, 3500 * time.Millisecond, "retried"},
		"crashed again":                {result{err: errCrashed}, 2, broker.VerdictRetry, ReasonCrashed, 17 * time.Second, "retried"},
		"crashed at the last try":      {result{err: errCrashed}, 3, broker.VerdictDead, ReasonCrashed, 0, "dead"},
		"filter":                       {result{err: &filterError{failed}}, 1, broker.VerdictDead, ReasonFilter, 0, "dead"},
		"asks for later":               {result{err: handler.RetryAfter(time.Minute, failed)}, 1, broker.VerdictRetry, ReasonError, time.Minute, "retried"},
		"asks for much later":          {result{err: handler.RetryAfter(1<<62, failed)}, 1, broker.VerdictRetry, ReasonError, MaxDelay, "retried"},
		"asks for the past":            {result{err: handler.RetryAfter(-time.Hour, failed)}, 1, broker.VerdictRetry, ReasonError, 0, "retried"},
		"asks for later at the end":    {result{err: handler.RetryAfter(time.Minute, failed)}, 3, broker.VerdictDead, ReasonError, 0, "dead"},
		"interrupted":                  {result{err: failed, cause: ErrStopping}, 1, broker.VerdictRequeue, "", 0, "requeued"},
		"interrupted at the last try":  {result{err: failed, cause: ErrStopping}, 3, broker.VerdictRequeue, "", 0, "requeued"},
		"interrupted, permanent error": {result{err: permanent, cause: ErrStopping}, 1, broker.VerdictRequeue, "", 0, "requeued"},
		"interrupted, panics":          {result{err: panicked, cause: ErrStopping}, 1, broker.VerdictRequeue, "", 0, "requeued"},
		"cancelled by the broker":      {result{err: failed, cause: context.Canceled}, 1, broker.VerdictRequeue, "", 0, "requeued"},
	} {
		got := outcome(c.res, c.attempt, retry, middle)
		if got.Verdict != c.verdict || got.Reason != c.reason || got.After != c.after || label(c.res, got) != c.label {
			t.Errorf("%s: %+v, labelled %s", name, got, label(c.res, got))
		}
		if (got.Verdict == broker.VerdictRetry || got.Verdict == broker.VerdictDead) && !errors.Is(got.Err, c.res.err) {
			t.Errorf("%s: the error is lost: %v", name, got.Err)
		}
	}
}

func TestDelayGrowsToItsLimitAndIsSpreadByAFifth(t *testing.T) {
	t.Parallel()
	retry := Retry{Attempts: 100, First: time.Second, Max: time.Minute}
	for _, c := range []struct {
		attempt int
		jitter  float64
		want    time.Duration
	}{
		{1, 0.5, time.Second},
		{2, 0.5, 2 * time.Second},
		{6, 0.5, 32 * time.Second},
		{7, 0.5, time.Minute},
		{1 << 40, 0.5, time.Minute},
		{0, 0.5, time.Second},
		{1, 0, 800 * time.Millisecond},
		{1, 0.75, 1100 * time.Millisecond},
		{99, 0, 48 * time.Second},
	} {
		if got := retry.delay(c.attempt, c.jitter); got != c.want {
			t.Errorf("delay(%d, %v) = %v, want %v", c.attempt, c.jitter, got, c.want)
		}
	}
	if got := (Retry{First: MaxDelay, Max: MaxDelay}).delay(1, 0.999); got > MaxDelay {
		t.Errorf("the longest delay is %v", got)
	}
}

func TestACrashedEventHasThreeAttemptsAtLeast(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for _, c := range []struct {
		attempts, attempt int
		err               error
		verdict           broker.Verdict
	}{
		{1, 1, failed, broker.VerdictDead},
		{1, 1, errCrashed, broker.VerdictRetry},
		{1, 2, failed, broker.VerdictDead}, // after a crash
		{1, 2, errCrashed, broker.VerdictRetry},
		{1, 3, errCrashed, broker.VerdictDead},
		{2, 2, failed, broker.VerdictDead},
		{2, 2, errCrashed, broker.VerdictRetry},
		{2, 3, errCrashed, broker.VerdictDead},
		{3, 3, errCrashed, broker.VerdictDead},
		{4, 3, errCrashed, broker.VerdictRetry},
		{4, 4, errCrashed, broker.VerdictDead},
	} {
		got := outcome(result{err: c.err}, c.attempt, Retry{Attempts: c.attempts, First: time.Second, Max: time.Hour}, 0.5)
		if got.Verdict != c.verdict {
			t.Errorf("attempt %d of %d ended with %q: %+v", c.attempt, c.attempts, c.err, got)
		}
	}
}

func TestEventsThatCrashedTogetherComeBackAtDifferentTimes(t *testing.T) {
	t.Parallel()
	retry := Retry{Attempts: 3, First: time.Second, Max: time.Second}
	for jitter, want := range map[float64]time.Duration{0: 800 * time.Millisecond, 0.5: 16 * time.Second, 1: 31200 * time.Millisecond} {
		if got := outcome(result{err: errCrashed}, 2, retry, jitter); got.After != want {
			t.Errorf("with jitter %v after %v, want %v", jitter, got.After, want)
		}
	}
	longest := Retry{Attempts: 3, First: MaxDelay, Max: MaxDelay}
	if got := outcome(result{err: errCrashed}, 1, longest, 0.5); got.After != MaxDelay {
		t.Errorf("the longest delay is %v", got.After)
	}
}
