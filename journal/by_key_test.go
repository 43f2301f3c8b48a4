package journal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

func TestAnEventIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	store, err := journal.Open(journal.Config{Dir: t.TempDir()}, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e := event.Event{ID: "1", Source: "alma", Action: "job_end", Time: time.UnixMilli(1_700_000_000_123).UTC(), Data: []byte("first")}
	again := e // a sender that repeats its IDs
	again.Time, again.Data = e.Time.Add(time.Millisecond), []byte("second")
	ended := journal.Attempt{Key: journal.KeyOf(again), Route: "archive", Number: 1, Start: again.Time.Add(time.Second), Outcome: journal.Done}
	err = store.Append(t.Context(), journal.Batch{Process: "a", Number: 1, Stored: []journal.Stored{{Event: e}, {Event: again}}, Ended: []journal.Attempt{ended}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key      journal.Key
		data     string
		attempts int
	}{{journal.KeyOf(e), "first", 0}, {journal.KeyOf(again), "second", 1}} {
		found, err := store.ByKey(t.Context(), c.key)
		if err != nil || string(found.Data) != c.data {
			t.Errorf("by key: %+v, %v; want %s", found, err, c.data)
		}
		attempts, err := store.Attempts(t.Context(), c.key)
		if err != nil || len(attempts) != c.attempts {
			t.Errorf("attempts of %s: %+v, %v", c.data, attempts, err)
		}
	}
	unknown := journal.Key{Source: "alma", Action: "job_end", ID: "2", Time: e.Time}
	if _, err := store.ByKey(t.Context(), unknown); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
	if attempts, err := store.Attempts(t.Context(), unknown); err != nil || len(attempts) != 0 {
		t.Errorf("attempts of an unknown event: %v, %v", attempts, err)
	}
}
