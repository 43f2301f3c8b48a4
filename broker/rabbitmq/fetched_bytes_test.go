package rabbitmq

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestBodiesHaveRoomUpToTheLimit(t *testing.T) {
	t.Parallel()
	f := newFetchedBytes(100, prometheus.NewGauge(prometheus.GaugeOpts{}))
	now := time.Unix(1_700_000_000, 0)
	take := func(size int, want bool) {
		t.Helper()
		if got := f.take(size, now); got != want {
			t.Errorf("a body of %d has room: %v", size, got)
		}
	}
	take(500, true) // alone
	take(1, false)
	f.free(500, now)
	take(60, true)
	take(40, true)
	take(1, false)
	if held := testutil.ToFloat64(f.gauge); held != 100 {
		t.Errorf("%v bytes are held", held)
	}
	f.free(60, now)
	f.free(40, now)
	take(100, true)
	if held := testutil.ToFloat64(f.gauge); held != 100 {
		t.Errorf("%v bytes are held", held)
	}
}

func TestThePrefetchFollowsTheLargestBody(t *testing.T) {
	t.Parallel()
	f := newFetchedBytes(100, prometheus.NewGauge(prometheus.GaugeOpts{}))
	now := time.Unix(1_700_000_000, 0)
	take := func(size int) {
		if f.take(size, now) {
			defer f.free(size, now)
		}
	}
	fit := func(n, want int) {
		t.Helper()
		if got := f.fit(n, now); got != want {
			t.Errorf("the prefetch is %d, not %d", got, want)
		}
	}
	fit(72, 72)
	take(30)
	fit(72, 72) // nothing was dropped
	f.take(80, now)
	take(30)
	f.free(80, now)
	fit(72, 1)
	now = now.Add(carefulTime)
	take(40) // half of the largest: such bodies still come
	now = now.Add(carefulTime)
	take(30)
	fit(72, 1)
	now = now.Add(time.Second)
	fit(72, 72)
	take(30)
	f.take(30, now)
	f.take(30, now)
	f.take(30, now)
	take(30)
	fit(72, 3)
	fit(2, 2)
}

// A handler of some minutes must not make its worker fetch, and return, all bodies again each minute.
func TestALargeBodyIsRememberedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	f := newFetchedBytes(100, prometheus.NewGauge(prometheus.GaugeOpts{}))
	now := time.Unix(1_700_000_000, 0)
	f.take(80, now)
	f.take(80, now) // dropped
	now = now.Add(time.Hour)
	if got := f.fit(72, now); got != 1 {
		t.Errorf("while the body is held the prefetch is %d", got)
	}
	f.free(80, now)
	now = now.Add(carefulTime)
	if got := f.fit(72, now); got != 1 {
		t.Errorf("soon after it the prefetch is %d", got)
	}
	if got := f.fit(72, now.Add(time.Second)); got != 72 {
		t.Errorf("later the prefetch is %d", got)
	}
}
