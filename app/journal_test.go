package app_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

func TestTheJournalHasAnEventAndItsAttempt(t *testing.T) {
	t.Parallel()
	a, handled, dir := newAppWith(t, "journal: { enabled: true }\n")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	id := send(t, a)
	<-handled
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}

	store, err := journal.Open(journal.Config{Dir: filepath.Join(dir, "journal")}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	events, _, err := store.Events(t.Context(), journal.Filter{Text: "561"}, journal.Page{Limit: 10})
	if err != nil || len(events) != 1 {
		t.Fatalf("%+v, %v", events, err)
	}
	d, err := store.Event(t.Context(), events[0].Seq)
	if err != nil {
		t.Fatal(err)
	}
	if d.Key.ID != id || d.Key.Source != "alma" || len(d.Ended) != 1 || d.Ended[0].Route != "all" || d.Ended[0].Outcome != journal.Done {
		t.Errorf("the journal has %+v", d)
	}
}
