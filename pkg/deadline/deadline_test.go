package deadline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/pkg/deadline"
)

func TestAboutTheSameTimeIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s deadline.Shared
		at := time.Now().Add(time.Second)
		first := s.Until(at)
		if s.Until(at) != first || s.Until(at.Add(deadline.Grain)) != first {
			t.Error("a context of its own within the grain")
		}
		if s.Until(at.Add(deadline.Grain+1)) == first {
			t.Error("shared, though the first ends too early")
		}
		if s.Until(at) == first {
			t.Error("shared with an earlier one than the last")
		}
	})
}

func TestContextEndsWithinTheGrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s deadline.Shared
		at := time.Now().Add(time.Second)
		s.Until(at)
		for range 3 {
			at = at.Add(deadline.Grain * 2 / 3)
			ctx := s.Until(at)
			<-ctx.Done()
			if late := time.Since(at); late < 0 || late > deadline.Grain || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("ended %v after its time with %v", late, ctx.Err())
			}
		}
		if ctx := s.Until(time.Now().Add(-time.Second)); !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Error("a time that is over does not end its context")
		}
	})
}

func BenchmarkUntil(b *testing.B) {
	var s deadline.Shared
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if s.Until(time.Now().Add(2*time.Second)).Err() != nil {
				b.Error("ended")
			}
		}
	})
}
