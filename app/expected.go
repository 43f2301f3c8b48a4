package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/expect"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// watchExpected adds the watch for expected events to a process that keeps the journal, if a route expects any.
func (a *App) watchExpected(o Options, publisher broker.Publisher) (err error) {
	routes := map[string]expect.Config{}
	for i := range o.Config.Routes {
		if r := &o.Config.Routes[i]; r.Expect != nil {
			routes[r.Name] = *r.Expect
		}
	}
	if len(routes) == 0 || a.journal == nil || a.journal.store == nil {
		return nil
	}
	told := telling{publisher, a.broker, a.journal}
	file := filepath.Join(journalConfig(o.Config).Dir, "expected.json")
	if a.expected, err = expect.New(routes, file, arrivals{a.journal.store}, told, o.Metrics, o.Log.Named("expect")); err != nil {
		return err
	}
	a.loop(a.expected.Run)
	return nil
}

// telling stores the events of the watch, as a schedule's.
type telling struct {
	broker.Publisher
	counter broker.Counter
	journal *journaling
}

func (t telling) Publish(ctx context.Context, e event.Event) error {
	err := t.Publisher.Publish(ctx, e)
	if err == nil {
		t.journal.Stored(e, "")
	}
	return err
}

func (t telling) Count(source, kind string) { t.counter.Count(source, kind) }

// arrivals finds the events of routes in the journal.
type arrivals struct{ journal *journal.Store }

// Latest returns the time of the newest event after since with an attempt on the route that its where did not leave out.
func (a arrivals) Latest(ctx context.Context, route string, since time.Time) (latest time.Time, err error) {
	for _, state := range []journal.State{journal.StateDone, journal.StateFailing, journal.StateDead} {
		f := journal.Filter{Route: route, State: state, From: since.Add(time.Millisecond)}
		found, err := a.newest(ctx, f)
		if err != nil {
			return latest, err
		}
		if found.After(latest) {
			latest = found
		}
	}
	return latest, nil
}

// newest returns the time of the newest event of a filter that a watch has not stored itself.
func (a arrivals) newest(ctx context.Context, f journal.Filter) (time.Time, error) {
	for p := (journal.Page{Limit: 1}); ; {
		events, next, err := a.journal.Events(ctx, f, p)
		if err != nil {
			return time.Time{}, err
		}
		for _, e := range events {
			if e.Key.Source != expect.Source {
				return e.Key.Time, nil
			}
		}
		if next == "" {
			return time.Time{}, nil
		}
		p.Before = next
	}
}
