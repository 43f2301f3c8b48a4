package rabbitmq

import (
	"slices"
	"time"
)

// shortWait is what a worker waits for in place: a delay queue would take longer.
const shortWait = 500 * time.Millisecond

// delayExchange is the exchange at which an event is put away that is due after remaining: the delay queue of the longest
// step that is not too long. From there it comes back to its work queue and, if it is still not due, is put away again.
// Up to a second is one step, up to shortWait none: then it goes straight back to its queue and is waited for there.
// So an event is never early, and late by half a second at most, plus the time it waits for its turn.
func delayExchange(remaining time.Duration) (exchange string) {
	if remaining <= shortWait {
		return ReturnExchange
	}
	steps := DelaySteps()
	step := steps[0]
	for _, s := range slices.Backward(steps) {
		if s <= remaining {
			step = s
			break
		}
	}
	return RetryQueue(step)
}
