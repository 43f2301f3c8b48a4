package receiver

import (
	"testing"
	"time"
)

// The limits are those that docs/explanation/security.md promises.
func TestTheDefaultLimits(t *testing.T) {
	t.Parallel()
	want := Limits{
		MaxConnections: 4096, MaxRequests: 2048, MaxMemory: 268435456, MaxHeaderBytes: 16384, MinBodyRate: 4096,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 120 * time.Second,
	}
	if got := DefaultLimits(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestARateWithoutABurstTakesTheMessagesOfOneSecondAtOnce(t *testing.T) {
	t.Parallel()
	for r, want := range map[Rate]int{
		{PerSecond: 2.5}: 2, {PerSecond: 1}: 1, {PerSecond: 0.5}: 1, {PerSecond: 2.5, Burst: 7}: 7,
	} {
		if got := r.limiter(); got.Burst() != want || float64(got.Limit()) != r.PerSecond {
			t.Errorf("%+v: %d at once, %v a second", r, got.Burst(), got.Limit())
		}
	}
	if got := (Rate{Burst: 7}).limiter(); got != nil {
		t.Errorf("no limit: %v", got)
	}
}
