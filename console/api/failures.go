package api

import (
	"net/http"
	"time"
)

// Failures are groups of events that failed for one cause.
type Failures struct {
	Groups []Group `json:"groups"`
}

// Group is the events whose last attempts on a route failed with errors that are alike.
type Group struct {
	Route   string    `json:"route"`
	Pattern string    `json:"pattern"` // of the errors; chooses the events of the group in other operations
	Source  string    `json:"source,omitempty"`
	Action  string    `json:"action,omitempty"`
	Failing int64     `json:"failing"` // wait for another attempt
	Dead    int64     `json:"dead"`    // dead letters
	Joined  int64     `json:"joined"`  // events that have ever come into the group
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Growing bool      `json:"growing"` // an event came into it in the last 10 minutes
	Reason  string    `json:"reason"`
	Error   string    `json:"error"` // of one of its last attempts
	Sample  int64     `json:"sample,omitempty"`
}

// Gaps are the times of which the journal lacks records.
type Gaps struct {
	Gaps []Gap `json:"gaps"`
}

// Gap is a time of which records are missing. The events were stored and handled as ever.
type Gap struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Lost    int64     `json:"lost"` // records; 0: unknown
	Why     string    `json:"why"`
	Process string    `json:"process,omitempty"` // that lost them
}

// failures lists the groups of failures. Its text is a search in errors, which everybody may see.
func (a *API) failures(r *http.Request) (any, error) {
	if a.parts.Journal == nil {
		return nil, noJournal()
	}
	q := query{values: r.URL.Query()}
	f := q.filter()
	if err := q.end(); err != nil {
		return nil, err
	}
	found, err := a.parts.Journal.Groups(r.Context(), f)
	if err != nil {
		return nil, err
	}
	answer := Failures{Groups: []Group{}}
	for _, g := range found {
		answer.Groups = append(answer.Groups, Group(g))
	}
	return answer, nil
}

func (a *API) gaps(r *http.Request) (any, error) {
	if a.parts.Journal == nil {
		return nil, noJournal()
	}
	found, err := a.parts.Journal.Gaps(r.Context())
	if err != nil {
		return nil, err
	}
	answer := Gaps{Gaps: []Gap{}}
	for _, g := range found {
		answer.Gaps = append(answer.Gaps, Gap{g.From, g.To, g.Lost, string(g.Why), g.Process})
	}
	return answer, nil
}
