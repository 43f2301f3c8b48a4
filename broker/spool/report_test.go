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

	"github.com/hookline/hookline/broker/spool"
)

// reports is a spool.Counter.
type reports struct {
	mu  sync.Mutex
	all []map[string]int64
}

func (r *reports) Spooled(events map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, maps.Clone(events))
}

// counted is a store that holds some events of github, or cannot tell.
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

func TestWhatIsSpooledIsReportedWhenItChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		holds, heard := &counted{n: 7}, &reports{}
		s, err := spool.New(spool.Config{MaxAge: maxAge}, newLine(), holds, heard, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		stop := rig{Spool: s}.run(t)
		expect := func(when string, want ...int64) {
			t.Helper()
			heard.mu.Lock()
			defer heard.mu.Unlock()
			if len(heard.all) != len(want) {
				t.Fatalf("%s: %d reports, not %d: %v", when, len(heard.all), len(want), heard.all)
			}
			for i, n := range want {
				if heard.all[i]["github"] != n {
					t.Errorf("%s: reported %v, not %v", when, heard.all, want)
				}
			}
		}
		later := func() { <-time.After(time.Minute); synctest.Wait() }
		synctest.Wait()
		expect("at the start", 7)
		later()
		expect("unchanged", 7)
		holds.set(0, context.DeadlineExceeded)
		later()
		expect("unreadable", 7)
		holds.set(8, nil)
		later()
		expect("changed", 7, 8)
		holds.set(9, nil)
		stop()
		expect("at the end", 7, 8, 9)
	})
}
