package embedded_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

func TestOldestAndSizeFollowTheEvents(t *testing.T) {
	t.Parallel()
	sqlite := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}})
	expect := func(want time.Time, events int) int64 {
		t.Helper()
		oldest, err := sqlite.Oldest(t.Context())
		if err != nil || !oldest.Equal(want) {
			t.Errorf("oldest %v, not %v: %v", oldest, want, err)
		}
		n, _, bytes, err := sqlite.Size(t.Context())
		if err != nil || n != events {
			t.Errorf("%d events, not %d: %v", n, events, err)
		}
		return bytes
	}
	empty := expect(time.Time{}, 0)
	first := sample("first", make([]byte, 100_000))
	second := sample("second", nil)
	second.Time = first.Time.Add(time.Hour)
	if err := sqlite.Publish(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Publish(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if bytes := expect(first.Time, 2); bytes < empty+90_000 {
		t.Errorf("%d bytes, and %d when empty", bytes, empty)
	}
	handle(t, sqlite, archive(1), 1)
	expect(second.Time, 1)
	handle(t, sqlite, archive(1), 1)
	if bytes := expect(time.Time{}, 0); bytes > empty+50_000 {
		t.Errorf("%d bytes when empty again, %d at first", bytes, empty)
	}
}
