package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/errorpattern"
)

// undeliveredGroup counts undelivered events that are alike: dead letters of a route with the same reason and a first error that differs
// only by numbers and IDs, or unrouted events with the same key. FirstError is that of one of them.
type undeliveredGroup struct {
	Route      string    `json:"route,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	FirstError string    `json:"first_error,omitempty"`
	Key        string    `json:"key,omitempty"`
	Count      int       `json:"count"`
	Oldest     time.Time `json:"oldest"`
	Newest     time.Time `json:"newest"`
}

// groupUndelivered returns the groups of the events since a time, the largest first.
func groupUndelivered(ctx context.Context, operator app.Operator, route string, since time.Time) ([]undeliveredGroup, error) {
	groups := map[undeliveredGroup]*undeliveredGroup{}
	err := operator.Each(ctx, route, func(u broker.UndeliveredEvent) bool {
		at := undeliveredAt(u)
		if at.Before(since) {
			return true
		}
		sample := cmp.Or(u.FirstError, u.LastError)
		name := undeliveredGroup{Route: u.Route, Reason: u.Reason, FirstError: errorpattern.Of(sample)}
		if u.Route == broker.Unrouted {
			name, sample = undeliveredGroup{Key: u.Event.Key()}, ""
		}
		g := groups[name]
		if g == nil {
			g = &undeliveredGroup{Route: name.Route, Reason: name.Reason, FirstError: sample, Key: name.Key, Oldest: at, Newest: at}
			groups[name] = g
		}
		g.Count++
		if at.Before(g.Oldest) {
			g.Oldest = at
		}
		if at.After(g.Newest) {
			g.Newest = at
		}
		return true
	})
	list := []undeliveredGroup{} // not nil, which would be null in JSON
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b undeliveredGroup) int { return cmp.Or(b.Count-a.Count, a.Oldest.Compare(b.Oldest)) })
	return list, err
}

// undeliveredAt is the time of an event's death, or of its receipt if it is unrouted.
func undeliveredAt(u broker.UndeliveredEvent) time.Time {
	if u.Route == broker.Unrouted {
		return u.Event.Time
	}
	return u.Died
}

func shortTime(t time.Time) string { return t.Local().Format(time.DateTime) }

// cells returns the count and the times of a group.
func (g undeliveredGroup) cells() []string {
	return []string{strconv.Itoa(g.Count), shortTime(g.Oldest), shortTime(g.Newest)}
}
