package api

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/hookline/hookline/journal"
)

// Event is an event in a list.
type Event struct {
	Seq         int64         `json:"seq"` // its number in the journal; later ones are larger
	ID          string        `json:"id"`
	Source      string        `json:"source"`
	Action      string        `json:"action"`
	Time        time.Time     `json:"time"`  // of receipt
	State       journal.State `json:"state"` // on all routes together
	Known       bool          `json:"known"` // false: only attempts are known, and neither type, size nor body
	ContentType string        `json:"content_type"`
	Size        int64         `json:"size"`   // of the body in bytes
	Secret      string        `json:"secret"` // label of the secret that fitted; empty: none
	Process     string        `json:"process"`
	Attempts    int           `json:"attempts"`
	Routes      []RouteState  `json:"routes"`
}

// RouteState is the state of an event on one route with an attempt.
type RouteState struct {
	Route    string        `json:"route"`
	State    journal.State `json:"state"`
	Attempts int           `json:"attempts"`
	Last     time.Time     `json:"last,omitzero"` // start of the last attempt
	Reason   string        `json:"reason,omitempty"`
	Error    string        `json:"error,omitempty"`
	Next     time.Time     `json:"next,omitzero"` // earliest time of the next attempt
}

// EventDetail is an event with everything that the journal has of it.
type EventDetail struct {
	Event
	Header  map[string]string `json:"header,omitempty"`
	Body    *Body             `json:"body,omitempty"`
	NoBody  string            `json:"no_body,omitempty"` // the reason why headers and body are left out
	History []Attempt         `json:"history"`           // attempts that ended, the newest first
}

// Body is the body of an event as it was stored: as text if it is UTF-8, otherwise in base64. Numbers in it are never read.
type Body struct {
	Encoding string `json:"encoding"` // text or base64
	Content  string `json:"content"`
}

// The encodings of bodies.
const (
	AsText   = "text"
	AsBase64 = "base64"
)

// Bytes returns the body as it was stored.
func (b Body) Bytes() ([]byte, error) {
	if b.Encoding == AsText {
		return []byte(b.Content), nil
	}
	return base64.StdEncoding.DecodeString(b.Content)
}

func bodyOf(data []byte) *Body {
	if utf8.Valid(data) {
		return &Body{AsText, string(data)}
	}
	return &Body{AsBase64, base64.StdEncoding.EncodeToString(data)}
}

// Attempt is an attempt that ended.
type Attempt struct {
	Route    string          `json:"route"`
	Number   int             `json:"number"` // from 1
	Start    time.Time       `json:"start"`
	Duration float64         `json:"duration_ms"`
	Outcome  journal.Outcome `json:"outcome"`
	Reason   string          `json:"reason,omitempty"`
	Error    string          `json:"error,omitempty"`
	Process  string          `json:"process"` // the worker
	Next     time.Time       `json:"next,omitzero"`
}

func eventOf(s journal.Summary) Event {
	e := Event{
		Seq: s.Seq, ID: s.Key.ID, Source: s.Key.Source, Action: s.Key.Action, Time: s.Key.Time, State: s.State, Known: s.Known,
		ContentType: s.ContentType, Size: s.Size, Secret: s.Secret, Process: s.Process, Attempts: s.Attempts, Routes: []RouteState{},
	}
	for _, r := range s.Routes {
		e.Routes = append(e.Routes, RouteState(r))
	}
	return e
}

func attemptOf(a journal.Attempt) Attempt {
	return Attempt{
		Route: a.Route, Number: a.Number, Start: a.Start, Duration: float64(a.Duration) / float64(time.Millisecond), Outcome: a.Outcome,
		Reason: a.Reason, Error: a.Error, Process: a.Process, Next: a.Next,
	}
}

// detailOf returns an event for a person who may see bodies, or may not.
func detailOf(d journal.Detail, bodies bool) EventDetail {
	e := EventDetail{Event: eventOf(d.Summary), History: []Attempt{}}
	switch {
	case !bodies:
		e.NoBody = "your role sees no bodies"
	case !d.Known:
		e.NoBody = "the journal knows only attempts of this event"
	case !d.Kept:
		e.NoBody = "the journal keeps no bodies of this source, or this one was too large"
	default:
		e.Header, e.Body = d.Header, bodyOf(d.Data)
	}
	for _, a := range d.Ended {
		e.History = append(e.History, attemptOf(a))
	}
	return e
}
