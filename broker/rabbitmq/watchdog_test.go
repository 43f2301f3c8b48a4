package rabbitmq

import "testing"

func TestWatchdogDetectsPublishesWithoutConfirms(t *testing.T) {
	t.Parallel()
	nothing := func(*watchdog) {}
	publish := func(w *watchdog) { w.sent.Add(1) }
	answer := func(w *watchdog) { w.answered.Add(1) }
	another := func(w *watchdog) { publish(w); answer(w) }
	const most = int(maxStall / watchInterval)
	for name, c := range map[string]struct {
		first, each func(*watchdog) // before the first check, and between two checks
		last        func(*watchdog) // before the last check
		stalled     bool
	}{
		"nothing was ever published":            {nothing, nothing, nothing, false},
		"one has no answer":                     {publish, nothing, nothing, true},
		"it is answered at last":                {publish, nothing, answer, false},
		"it has none, but others have":          {publish, another, another, false},
		"every publish has its answer":          {nothing, another, another, false},
		"one is published after a long silence": {another, nothing, publish, false},
		"more and more wait":                    {publish, publish, publish, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w watchdog
			w.stalled()
			c.first(&w)
			for i := range most {
				if w.stalled() {
					t.Fatalf("after %d looks", i+1)
				}
				c.each(&w)
			}
			c.last(&w)
			if got := w.stalled(); got != c.stalled {
				t.Errorf("%v", got)
			}
		})
	}
}
