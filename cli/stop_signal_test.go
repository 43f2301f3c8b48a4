package cli

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestASignalEndsTheProcessOnlyAWhileAfterTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var released atomic.Bool
		ctx, stop := context.WithCancel(t.Context())
		releaseLater(ctx, func() { released.Store(true) })
		expect := func(after time.Duration, want bool) {
			t.Helper()
			<-time.After(after)
			if synctest.Wait(); released.Load() != want {
				t.Errorf("a signal ends the process: %v", !want)
			}
		}
		expect(time.Hour, false)
		stop()
		expect(repeatTime-1, false)
		expect(1, true)
	})
}
