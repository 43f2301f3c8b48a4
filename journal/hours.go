package journal

import (
	"context"
	"errors"
	"time"
)

const hour = int64(time.Hour / time.Millisecond)

// Hour counts the records of one hour that are alike.
type Hour struct {
	Start   time.Time
	Source  string
	Route   string // empty: events are counted; else attempts
	Outcome string // of attempts; of events "stored" or "unrouted"
	Count   int64
	Last    time.Time // of the newest one
}

// hourKey and hourCount are an Hour with its names as numbers.
type hourKey struct{ hour, source, route, outcome int64 }

type hourCount struct{ n, last int64 }

func storedAs(unrouted bool) string {
	if unrouted {
		return "unrouted"
	}
	return "stored"
}

// count counts a record.
func (t *transaction) count(k hourKey, outcome string, at time.Time) (err error) {
	if k.outcome, err = t.names.id(outcome); err != nil {
		return err
	}
	c := t.hours[k]
	t.hours[k] = hourCount{c.n + 1, max(c.last, at.UnixMilli())}
	return nil
}

// Hours returns the counts of the hours that begin between two times; to is excluded. They are in the order of time.
func (s *Store) Hours(ctx context.Context, from, to time.Time) (hours []Hour, err error) {
	found, err := s.read.QueryContext(ctx, `SELECT hour, s.text, r.text, o.text, n, last FROM hour
		CROSS JOIN name s ON s.id = source CROSS JOIN name r ON r.id = route CROSS JOIN name o ON o.id = outcome
		WHERE hour >= ? AND hour < ? ORDER BY hour`, (from.UnixMilli()+hour-1)/hour, (to.UnixMilli()+hour-1)/hour)
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var h Hour
		var start, last int64
		if err := found.Scan(&start, &h.Source, &h.Route, &h.Outcome, &h.Count, &last); err != nil {
			return nil, explain(err)
		}
		h.Start, h.Last = time.UnixMilli(start*hour).UTC(), time.UnixMilli(last).UTC()
		hours = append(hours, h)
	}
	return hours, explain(found.Err())
}
