package broker

import (
	"strings"
	"time"
)

// Verdict is the kind of an Outcome.
type Verdict int

// The verdicts.
const (
	VerdictRequeue  Verdict = iota // return it to its queue unchanged: the zero Outcome loses nothing
	VerdictAck                     // done
	VerdictRetry                   // deliver it again after a delay, with the next attempt number
	VerdictDead                    // move it to the dead letters
	VerdictPostpone                // deliver it again after a delay, as the same attempt
)

// Outcome is the result of a Process. The Consumer settles the delivery by it. Ack, Retry, GiveUp, Requeue and Postpone
// make outcomes.
type Outcome struct {
	Verdict Verdict
	After   time.Duration // of a retry or postponed delivery: the shortest delay
	Reason  string        // of a retry or dead letter: from a closed list, so that it can be a metric label
	Err     error         // of a retry or dead letter
	// Settled is called about a dead letter: with nil when it is stored, and with the reason when its queue refuses it. Then the delivery
	// comes again later with GivenUp set. It may be nil.
	Settled func(refused error)
}

// Ack removes the event from its queue: the work is done.
func Ack() Outcome { return Outcome{Verdict: VerdictAck} }

// MaxDelay is the longest delay of a retry. A broker may end a longer wait, because only a wrong clock makes one.
const MaxDelay = 24 * time.Hour

// Retry asks for another attempt after a delay of at least after, at most MaxDelay.
func Retry(after time.Duration, reason string, err error) Outcome {
	return Outcome{Verdict: VerdictRetry, After: after, Reason: reason, Err: err}
}

// GiveUp makes the delivery a dead letter.
func GiveUp(reason string, err error) Outcome {
	return Outcome{Verdict: VerdictDead, Reason: reason, Err: err}
}

// Settle calls Settled if the outcome has one.
func (o Outcome) Settle(refused error) {
	if o.Settled != nil {
		o.Settled(refused)
	}
}

// Requeue returns the delivery to its queue. It does not count as an attempt.
func Requeue() Outcome { return Outcome{} }

// Postpone asks for the same attempt after a delay of at least after, at most MaxDelay. It does not count as an attempt,
// and the events behind it in the queue come first. A delivery that is Redelivered must not be postponed, because the mark
// would be lost.
func Postpone(after time.Duration) Outcome {
	return Outcome{Verdict: VerdictPostpone, After: after}
}

// The reasons of retries and dead letters that brokers use.
const (
	ReasonCrashed = "crashed" // the process, or its connection, ended during the delivery
	ReasonFull    = "full"    // the route's queue was full at a replay, which stored the event for other routes; there was no attempt
)

// MaxErrorText is the size in bytes to which a dead letter cuts the text of an error.
const MaxErrorText = 1024

// ErrorText returns the text of err as valid UTF-8, cut to MaxErrorText bytes, and "" for nil.
func ErrorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), MaxErrorText)], "")
}
