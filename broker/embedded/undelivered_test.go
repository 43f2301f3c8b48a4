package embedded_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// A discard that was slower than unrouted events came never ended.
func TestADiscardEndsWithTheEventsThatWereUnroutedAtItsBegin(t *testing.T) {
	t.Parallel()
	b := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db")})
	const n = 3
	publishAll(t, b, n)
	seen := 0
	discarded, err := b.Discard(t.Context(), broker.Unrouted, func(broker.UndeliveredEvent) bool {
		seen++
		if err := b.Publish(t.Context(), sample(fmt.Sprint("later", seen), nil)); err != nil {
			t.Error(err)
		}
		return seen < 10*n
	})
	if err != nil || seen != n || discarded != n {
		t.Errorf("saw %d of %d, discarded %d: %v", seen, n, discarded, err)
	}
}

func TestAPageOfLargeEventsEndsEarly(t *testing.T) {
	t.Parallel()
	b := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db")})
	var want, got []string
	for i := range 5 {
		e := sample(fmt.Sprint(i), nil)
		e.Data = bytes.Repeat([]byte{'x'}, broker.MaxPageBytes/2)
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want = append(want, e.ID)
	}
	for after := ""; ; {
		events, next, err := b.List(t.Context(), broker.Unrouted, broker.Page{After: after, Limit: 10})
		if err != nil || len(events) > 2 {
			t.Fatalf("a page of %d events: %v", len(events), err)
		}
		for _, u := range events {
			got = append(got, u.Event.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages have %q, want %q", got, want)
	}
}
