package worker

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// concurrently calls each function a hundred times in a goroutine of its own. There a function that forgets its lock is never ordered by
// the lock of another one, so that the race detector sees it.
func concurrently(calls ...func(i int)) {
	var group sync.WaitGroup
	for _, call := range calls {
		group.Go(func() {
			for i := range 100 {
				call(i)
				runtime.Gosched() // so that they take turns
			}
		})
	}
	group.Wait()
}

func TestInflightIsReadByScrapesWhileHandlersWork(t *testing.T) {
	t.Parallel()
	f := newInflight()
	var early, late [100]event.Delivery
	for i := range early {
		f.add(&early[i])
		early[i].Event.ID = fmt.Sprint(i)
	}
	concurrently(
		func(i int) { f.add(&late[i]) },
		func(i int) { f.remove(&early[i]) },
		func(i int) { f.abandon(early[i].Event, 1) },
		func(i int) { f.hasAbandoned(early[i].Event) },
		func(int) { f.abandonedCalls() },
		func(int) { f.size() },
		func(int) { f.oldestAge() },
	)
	if f.size() != 100 || f.abandonedCalls() != 100 {
		t.Errorf("%v deliveries, %v abandoned calls, not 100 of both", f.size(), f.abandonedCalls())
	}
	for i := range early {
		f.abandon(early[i].Event, -1)
	}
	if f.abandonedCalls() != 0 || len(f.abandoned) != 0 || f.hasAbandoned(early[0].Event) {
		t.Errorf("%v abandoned calls after their return", f.abandonedCalls())
	}
}

func newBreakers(sources ...string) *sourceBreakers {
	r := Defaults()
	r.Name, r.Sources = "r", sources
	r.Pause = Pause{Ratio: 1, Of: 2, First: time.Minute, Max: 3 * time.Minute}
	return newSourceBreakers(r)
}

func TestBreakersAreReadByScrapesWhileHandlersWork(t *testing.T) {
	t.Parallel()
	b := newBreakers("alma", "github")
	from := func(source string, i int) event.Event { return event.Event{Source: source, ID: fmt.Sprint(i)} }
	failed := broker.Retry(time.Second, ReasonError, errors.New("no"))
	concurrently(
		func(i int) { b.record(from("alma", i), admission{}, healthBad, failed) },
		func(i int) { b.record(from("alma", i), admission{probe: true}, healthGood, broker.Ack()) },
		func(i int) { b.admit(from("alma", i)) },
		func(int) { b.next(4) },
		func(int) { b.paused("") },
		func(int) { b.state() },
	)
}

// TestOnlyAGoodTryEndsAPause has the events that end while a source is paused.
func TestOnlyAGoodTryEndsAPause(t *testing.T) {
	t.Parallel()
	failed := broker.Retry(time.Second, ReasonTimeout, errors.New("again"))
	for name, c := range map[string]struct {
		admitted admission
		health   attemptHealth
		outcome  broker.Outcome
		change   change
		wait     time.Duration // of the pause, afterwards
		reason   string
	}{
		"a try that succeeds":               {admission{probe: true}, healthGood, broker.Ack(), sourceResumed, 0, ""},
		"a try that fails":                  {admission{probe: true}, healthBad, failed, unchanged, 2 * time.Minute, ReasonTimeout},
		"a try that is filtered":            {admission{probe: true}, healthUnknown, broker.Ack(), unchanged, time.Minute, ReasonError},
		"an earlier event that succeeds":    {admission{}, healthGood, broker.Ack(), unchanged, time.Minute, ReasonError},
		"an earlier event that fails, too":  {admission{}, healthBad, failed, unchanged, time.Minute, ReasonError},
		"an earlier event without a result": {admission{}, healthUnknown, broker.Requeue(), unchanged, time.Minute, ReasonError},
	} {
		b := newBreakers("alma")
		of := func(id string) event.Event { return event.Event{Source: "alma", ID: id} }
		first := broker.Retry(time.Second, ReasonError, errors.New("no"))
		b.record(of("1"), admission{}, healthBad, first)
		if c, wait := b.record(of("2"), admission{}, healthBad, first); c != sourcePaused || wait != time.Minute {
			t.Fatalf("%s: %v, %v", name, c, wait)
		}
		b.bySource["alma"].pause.probing = true
		if change, _ := b.record(of("3"), c.admitted, c.health, c.outcome); change != c.change {
			t.Errorf("%s: change %v", name, change)
		}
		p := b.bySource["alma"].pause
		if (p == nil) != (c.change == sourceResumed) {
			t.Errorf("%s: paused %v", name, p != nil)
		}
		if p != nil && (p.wait != c.wait || p.reason != c.reason || p.probing == c.admitted.probe) {
			t.Errorf("%s: %+v", name, *p)
		}
	}
}

func TestAPauseStopsGrowingAtItsLimit(t *testing.T) {
	t.Parallel()
	b := newBreakers("alma")
	failed := broker.Retry(time.Second, ReasonError, errors.New("no"))
	for i := range 2 {
		b.record(event.Event{Source: "alma", ID: fmt.Sprint(i)}, admission{}, healthBad, failed)
	}
	for _, want := range []time.Duration{2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
		b.record(event.Event{Source: "alma", ID: "x"}, admission{probe: true}, healthBad, failed)
		if got := b.bySource["alma"].pause.wait; got != want {
			t.Errorf("%v, not %v", got, want)
		}
	}
}

// TestARouteIsPausedOrNot has two paused sources: a dashboard adds the routes up.
func TestARouteIsPausedOrNot(t *testing.T) {
	t.Parallel()
	b, reg := newBreakers("alma", "github"), prometheus.NewRegistry()
	m, err := newMetrics(reg, map[string]*inflight{"r": newInflight()})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.addBreakers(reg, b); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"alma", "github"} {
		for i := range 2 {
			b.record(event.Event{Source: source, ID: fmt.Sprint(i)}, admission{}, healthBad, broker.Retry(time.Second, ReasonError, errors.New("no")))
		}
	}
	want := `# HELP hookline_worker_paused 1 while the route is paused for at least one source, because its events fail.
# TYPE hookline_worker_paused gauge
hookline_worker_paused{route="r"} 1
# HELP hookline_worker_source_paused 1 while the route is paused for the source, because its events fail.
# TYPE hookline_worker_source_paused gauge
hookline_worker_source_paused{route="r",source="(other)"} 0
hookline_worker_source_paused{route="r",source="alma"} 1
hookline_worker_source_paused{route="r",source="github"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "hookline_worker_paused", "hookline_worker_source_paused"); err != nil {
		t.Error(err)
	}
	if got := b.paused(""); got != 2 {
		t.Errorf("%v paused sources", got)
	}
}
