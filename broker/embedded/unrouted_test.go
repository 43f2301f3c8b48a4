package embedded_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// A look that was slower than events came never ended.
func TestALookAtTheUnroutedEndsWithWhatWasThere(t *testing.T) {
	t.Parallel()
	line := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db")})
	const there = 3
	publishAll(t, line, there)
	seen := 0
	err := line.Unrouted(t.Context(), func(event.Event) bool {
		seen++
		if err := line.Publish(t.Context(), sample(fmt.Sprint("later", seen), nil)); err != nil {
			t.Error(err)
		}
		return seen < 10*there
	})
	if err != nil || seen != there {
		t.Errorf("saw %d of %d: %v", seen, there, err)
	}
	if err := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "empty.db")}).Unrouted(t.Context(), nil); err != nil {
		t.Errorf("where there is nothing: %v", err)
	}
}
