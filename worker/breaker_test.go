package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func TestBreakerTripsWhenEnoughOfTheLatestEventsFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tries string // of event 0 to 9, in order; x fails, . is done, - is unknown
		trips bool
	}{
		"too few to tell":                       {"0x 1x 2x 3x", false},
		"all of the latest":                     {"0x 1x 2x 3x 4x", true},
		"just enough of the latest":             {"0. 1x 2x 3x 4x", true},
		"one too few":                           {"0. 1. 2x 3x 4x", false},
		"earlier successes do not count":        {"0. 1. 2. 3x 4x 5x 6x 7x", true},
		"earlier failures do not count, either": {"0x 1x 2x 3. 4. 5. 6. 7.", false},
		"one event that fails again and again":  {"0x 0x 0x 0x 0x 0x 0x 0x 0x 0x 0x", false},
		"and again among good ones":             {"0x 1. 0x 2. 0x 3. 0x 4. 0x 5. 0x 6. 0x", false},
		"an event that is done after all":       {"0x 1x 2x 3x 0. 1. 4x", false},
		"unknown attempts are not counted":      {"0x 1x 2- 3- 4- 5- 6- 2x 3x", false},
		"and do not hide failed attempts":       {"0x 1- 2- 3x 4x 5x 6x", true},
	} {
		b := breaker{}
		trips := false
		for i := 0; i < len(c.tries); i += 3 {
			h := map[byte]attemptHealth{'x': healthBad, '.': healthGood, '-': healthUnknown}[c.tries[i+1]]
			trips = b.trips(Pause{Ratio: 0.8, Of: 5}, event.Event{Source: "alma", ID: c.tries[i : i+1]}, h)
		}
		if trips != c.trips {
			t.Errorf("%s: trips %v", name, trips)
		}
	}
}

func TestBreakerThatIsOffNeverTrips(t *testing.T) {
	t.Parallel()
	b := breaker{}
	for i := range 100 {
		if b.trips(Pause{Ratio: 0.1}, event.Event{ID: fmt.Sprint(i)}, healthBad) {
			t.Fatal("it tripped")
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		res  result
		o    broker.Outcome
		want attemptHealth
	}{
		"done":        {result{}, broker.Ack(), healthGood},
		"filtered":    {result{filtered: true}, broker.Ack(), healthUnknown},
		"failed":      {result{err: failed}, broker.Retry(time.Second, ReasonError, failed), healthBad},
		"timeout":     {result{err: failed}, broker.Retry(time.Second, ReasonTimeout, failed), healthBad},
		"panic":       {result{err: failed}, broker.Retry(time.Second, ReasonPanic, failed), healthBad},
		"given up":    {result{err: failed}, broker.GiveUp(ReasonError, failed), healthBad},
		"permanent":   {result{err: failed}, broker.GiveUp(ReasonPermanent, failed), healthUnknown},
		"bad filter":  {result{err: failed}, broker.GiveUp(ReasonFilter, failed), healthUnknown},
		"interrupted": {result{err: failed, cause: ErrStopping}, broker.Requeue(), healthUnknown},
		"crashed":     {result{err: errCrashed}, broker.Retry(time.Second, ReasonCrashed, errCrashed), healthUnknown},
	} {
		if got := healthOf(c.res, c.o); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
