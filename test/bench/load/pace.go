package load

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// pace announces due events, on a thread of its own that sleeps in the kernel: Go's timers are up to 1 ms late.
// A free connection takes the next event at once. While none is free, events keep their due times.
func (g *generator) pace(start time.Time) {
	runtime.LockOSThread()
	defer close(g.due)
	for n := 1; ; n++ {
		due := start.Add(time.Duration(float64(n) / g.cfg.Rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			t := unix.NsecToTimeval(int64(wait))
			_, _ = unix.Select(0, nil, nil, nil, &t) // macOS has no Nanosleep; cut short it is a little early
		}
		select {
		case g.due <- due:
		case <-g.over:
			return
		}
	}
}
