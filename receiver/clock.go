package receiver

import (
	"sync"
	"time"
)

const (
	// confirmedFor is how long a signed time that fits confirms this machine's clock.
	confirmedFor = time.Hour
	// clockJump is the difference between the wall clock and the monotonic clock from which the wall clock has jumped.
	clockJump = time.Minute
)

// reading is the time by both clocks of this machine.
type reading struct {
	wall      time.Time
	monotonic time.Duration // since the receiver was made
}

// senderClock knows whether the senders' clocks have confirmed this machine's clock. It is safe for concurrent use.
//
// A right signature with a time outside of the tolerance is a replay, or one of the two clocks is wrong. Its 401 would cost an event if
// that is ours. So it is a 401 only while the clock is confirmed: within the last hour a signed time was within its tolerance, and
// the wall clock has not jumped since. A wrong clock is confirmed by nobody, and a sender repeats after a 503.
type senderClock struct {
	mu        sync.Mutex
	confirmed bool
	last      reading // at the last confirmation
}

// confirm records that a signed time fitted.
func (c *senderClock) confirm(now reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed, c.last = true, now
}

// inDoubt reports whether this machine's clock can be the wrong one.
func (c *senderClock) inDoubt(now reading) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := now.monotonic - c.last.monotonic
	jumped := now.wall.Sub(c.last.wall) - passed
	return !c.confirmed || passed > confirmedFor || jumped.Abs() > clockJump
}

// read returns the time now by both clocks.
func (rc *Receiver) read(now time.Time) reading { return reading{now.Round(0), now.Sub(rc.began)} }
