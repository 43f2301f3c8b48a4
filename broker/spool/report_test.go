package spool_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
)

// reports is a spool.Counter.
type reports struct {
	mu  sync.Mutex
	all []map[string]int64

	counts broker.SpoolCounts // of the last report
}

func (r *reports) Spooled(events map[string]int64, counts broker.SpoolCounts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, maps.Clone(events))
	r.counts = counts
}

// counted is a store with n events of github, or with an error.
type counted struct {
	store
	mu  sync.Mutex
	n   int64
	err error
}

func (c *counted) set(n int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.err = n, err
}

func (c *counted) Sources(context.Context) (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return map[string]int64{"github": c.n}, c.err
}

func TestSpooledEventsAreReportedWhenTheyChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events, reported := &counted{n: 7}, &reports{}
		s, err := spool.New(spool.Config{MaxAge: maxAge}, newFakeBroker(), events, reported, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		stop := rig{Spool: s}.run(t)
		expect := func(when string, want ...int64) {
			t.Helper()
			reported.mu.Lock()
			defer reported.mu.Unlock()
			if len(reported.all) != len(want) {
				t.Fatalf("%s: %d reports, not %d: %v", when, len(reported.all), len(want), reported.all)
			}
			for i, n := range want {
				if reported.all[i]["github"] != n {
					t.Errorf("%s: reported %v, not %v", when, reported.all, want)
				}
			}
		}
		later := func() { <-time.After(time.Minute); synctest.Wait() }
		synctest.Wait()
		expect("at the start", 7)
		later()
		expect("unchanged", 7)
		events.set(0, context.DeadlineExceeded)
		later()
		expect("unreadable", 7)
		events.set(8, nil)
		later()
		expect("changed", 7, 8)
		events.set(9, nil)
		stop()
		expect("at the end", 7, 8, 9)
	})
}
