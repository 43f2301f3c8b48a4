package rabbitmq

import "sync/atomic"

// watchdog detects that publishes wait and no confirm comes. Publishers only count, and one goroutine checks. If publishes wait
// at every check, and none is answered between the checks, then one publish has waited all the time.
type watchdog struct {
	sent, answered atomic.Int64 // messages

	seen  int64 // answered at the last check
	quiet int   // consecutive checks that found waiting publishes and no new answer
}

// pending reports whether a publish waits for its confirm. The confirm may come at this moment.
func (w *watchdog) pending() bool {
	answered := w.answered.Load()
	return w.sent.Load() > answered
}

// stalled checks for confirms, and reports whether none has come for maxStall. It has to be called each watchInterval.
func (w *watchdog) stalled() bool {
	w.quiet++
	if answered := w.answered.Load(); answered != w.seen || !w.pending() {
		w.seen, w.quiet = answered, 0
	}
	return w.quiet > int(maxStall/watchInterval)
}
