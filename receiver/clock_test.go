package receiver

import (
	"testing"
	"time"
)

func TestTheClockIsInDoubtUnlessASenderConfirmedIt(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(wall, monotonic time.Duration) reading { return reading{noon.Add(wall), monotonic} }
	for _, c := range []struct {
		name string
		now  reading
		want bool
	}{
		{"at once", at(0, 0), false},
		{"an hour later", at(time.Hour, time.Hour), false},
		{"after more than an hour without a signed time", at(time.Hour+1, time.Hour+1), true},
		{"slewed by half a minute", at(10*time.Minute+30*time.Second, 10*time.Minute), false},
		{"set forward", at(2*time.Hour, time.Minute), true},
		{"set back", at(-2*time.Hour, time.Minute), true},
	} {
		var clock senderClock
		if !clock.inDoubt(c.now) {
			t.Errorf("%s: confirmed by nobody, and not in doubt", c.name)
		}
		clock.confirm(at(0, 0))
		if got := clock.inDoubt(c.now); got != c.want {
			t.Errorf("%s: in doubt %v", c.name, got)
		}
	}
}
