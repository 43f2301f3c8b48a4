package rabbitmq

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

func TestAStopDoesNotWaitForTheLedger(t *testing.T) {
	t.Parallel()
	for name, notes := range map[string]int{"counts only": 0, "events": 2 * maxBatch} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.WarnLevel)
				m, err := newMetrics(prometheus.NewRegistry(), nil)
				if err != nil {
					t.Fatal(err)
				}
				c := newLedgerWriter(newConnection(publishing, Config{}, nil, m, zap.NewNop()), Config{}, m, zap.New(core))
				c.count("alma", "received")
				for range notes {
					c.noteAccepted(event.Event{ID: "1"}, nil)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					c.run(ctx)
				}()
				<-time.After(time.Second) // it has begun to write, and waits for a connection
				stop()
				select {
				case <-ended:
				case <-time.After(lastTime + time.Second):
					t.Fatal("it still waits")
				}
				logged := logs.All()
				switch {
				case notes == 0 && len(logged) == 0:
				case len(logged) != 1, logged[0].ContextMap()["notes"] != int64(notes):
					t.Errorf("logged %v", logged)
				}
			})
		})
	}
}

func TestCountsWaitForAnEventOrASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := newMetrics(prometheus.NewRegistry(), nil)
		if err != nil {
			t.Fatal(err)
		}
		c := newLedgerWriter(newConnection(publishing, Config{}, nil, m, zap.NewNop()), Config{}, m, zap.NewNop())
		wait := func(what string, want time.Duration) {
			t.Helper()
			if got := c.untilDue(); got != want {
				t.Errorf("%s: the batch waits for %v, not %v", what, got, want)
			}
		}
		c.count("alma", "received")
		wait("a count", countLinger)
		<-time.After(10 * time.Millisecond)
		c.noteAccepted(event.Event{ID: "1"}, nil)
		wait("an event behind it", linger)
		<-time.After(10 * time.Millisecond)
		c.count("alma", "received")
		c.noteAccepted(event.Event{ID: "2"}, nil)
		wait("more of both", linger-10*time.Millisecond)
		c.noteFinished(true, ledger.Done, event.Event{ID: "1"}, "archive")
		wait("one for which a delivery waits", 0)
	})
}
