package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/hookline/hookline/broker"
)

// Queues are the queues of the broker.
type Queues struct {
	Queues []broker.QueueInfo `json:"queues"`
}

// UndeliveredPage is a page of dead letters or of unrouted events, the oldest first.
type UndeliveredPage struct {
	Events []UndeliveredEvent `json:"events"`
	Next   string             `json:"next"` // cursor of the next page; empty: this is the last one
}

// UndeliveredEvent is a dead letter, or an unrouted event, which has no failure. GET /api/v1/events?id= finds its body.
type UndeliveredEvent struct {
	ID         string    `json:"id"`
	Source     string    `json:"source"`
	Action     string    `json:"action"`
	Time       time.Time `json:"time"`
	Size       int       `json:"size"`
	Reason     string    `json:"reason,omitempty"`
	Attempts   int       `json:"attempts,omitempty"`
	FirstError string    `json:"first_error,omitempty"`
	LastError  string    `json:"last_error,omitempty"`
	Died       time.Time `json:"died,omitzero"`
}

func (a *API) audit(r *http.Request) (any, error) {
	if a.parts.Auditor == nil {
		return nil, noBroker()
	}
	sum, err := a.parts.Auditor.Audit(r.Context())
	if err != nil {
		return nil, away(err)
	}
	return sum, nil
}

func (a *API) queues(r *http.Request) (any, error) {
	if a.parts.Inspector == nil {
		return nil, noBroker()
	}
	found, err := a.parts.Inspector.Queues(r.Context())
	if err != nil {
		return nil, away(err)
	}
	return Queues{append([]broker.QueueInfo{}, found...)}, nil
}

// unrouted lists the events that match no route.
func (a *API) unrouted(r *http.Request) (any, error) { return a.undelivered(r, broker.Unrouted) }

// dead lists the dead letters of a route.
func (a *API) dead(r *http.Request) (any, error) { return a.undelivered(r, r.PathValue("route")) }

func (a *API) undelivered(r *http.Request, route string) (any, error) {
	if a.parts.Undelivered == nil {
		return nil, noBroker()
	}
	q := query{values: r.URL.Query()}
	limit := q.limit()
	if err := q.end(); err != nil {
		return nil, err
	}
	found, next, err := a.parts.Undelivered.List(r.Context(), route, broker.Page{After: q.text("after"), Limit: limit})
	switch {
	case errors.Is(err, broker.ErrNoQueue):
		return nil, problemf(http.StatusNotFound, "No such route", "The broker has no queue of %q. GET /api/v1/routes lists the routes.", route)
	case errors.Is(err, broker.ErrCursor):
		return nil, problemf(http.StatusBadRequest, "Wrong cursor", "Begin without after, and use next of the answer.")
	case err != nil:
		return nil, away(err)
	}
	page := UndeliveredPage{Events: []UndeliveredEvent{}, Next: next}
	for _, u := range found {
		page.Events = append(page.Events, UndeliveredEvent{
			ID: u.Event.ID, Source: u.Event.Source, Action: u.Event.Action, Time: u.Event.Time, Size: len(u.Event.Data),
			Reason: u.Reason, Attempts: u.Attempts, FirstError: u.FirstError, LastError: u.LastError, Died: u.Died,
		})
	}
	return page, nil
}

func noBroker() *Problem {
	return problemf(http.StatusServiceUnavailable, "There is no broker here", "This process does not know the broker. Ask the one that serves the console with its pages.")
}
