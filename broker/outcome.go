package broker

import (
	"strings"
	"time"
)

// Verdict is what becomes of a delivery.
type Verdict int

// The verdicts.
const (
	VerdictRequeue Verdict = iota // back to its queue as it was: the zero Outcome loses nothing
	VerdictAck                    // done
	VerdictRetry                  // again after a delay, with the next attempt number
	VerdictDead                   // given up: to the dead letters
)

// Outcome is what a Process says of a delivery; the consumer carries it out. Make it with Ack, Retry, GiveUp or
// Requeue.
type Outcome struct {
	Verdict Verdict
	After   time.Duration // of a retry: not earlier than this
	Reason  string        // of a retry or dead letter: from a closed list, safe as a metric label
	Err     error         // of a retry or dead letter: what went wrong
}

// Ack says that the work is done.
func Ack() Outcome { return Outcome{Verdict: VerdictAck} }

// MaxDelay is the longest that a retry may wait: a line may take a longer wait for the work of a clock that was wrong, and end it.
const MaxDelay = 24 * time.Hour

// Retry asks for another attempt, not earlier than after, which is MaxDelay at most.
func Retry(after time.Duration, reason string, err error) Outcome {
	return Outcome{VerdictRetry, after, reason, err}
}

// GiveUp makes the delivery a dead letter.
func GiveUp(reason string, err error) Outcome {
	return Outcome{VerdictDead, 0, reason, err}
}

// Requeue gives the delivery back as it came: it does not count as an attempt.
func Requeue() Outcome { return Outcome{} }

// ReasonCrashed is the reason of a retry or dead letter of an event that was in hand when its process or connection
// ended: here, since lines give it, too.
const ReasonCrashed = "crashed"

// MaxErrorText is how many bytes of an error's text a dead letter keeps.
const MaxErrorText = 1024

// ErrorText is the text of err as valid UTF-8, cut to MaxErrorText bytes, and "" for nil.
func ErrorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), MaxErrorText)], "")
}
