package rabbitmq

import (
	"slices"
	"time"
)

// shortWait is the longest delay that a worker waits for itself: a delay queue would take longer.
const shortWait = 500 * time.Millisecond

// delayExchange returns the exchange that stores an event for a delay: the delay queue of the longest step that is not longer
// than the delay. From there the event comes back to its work queue. If it is still not due, it goes to a delay queue again.
// A delay of up to a second takes the first step. A delay of up to shortWait takes none: the event goes back to its work
// queue, and the worker waits. So an event is never early, and at most half a second late, plus its time in the work queue.
func delayExchange(delay time.Duration) string {
	if delay <= shortWait {
		return ReturnExchange
	}
	steps := DelaySteps()
	step := steps[0]
	for _, s := range slices.Backward(steps) {
		if s <= delay {
			step = s
			break
		}
	}
	return RetryQueue(step)
}
