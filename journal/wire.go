package journal

import (
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// wireBatch is a Batch as it is written. A number of a key is never used again for another meaning.
type wireBatch struct {
	Process string        `cbor:"1,keyasint"`
	Number  int64         `cbor:"2,keyasint"`
	Lost    int64         `cbor:"3,keyasint,omitempty"`
	Stored  []wireStored  `cbor:"4,keyasint,omitempty"`
	Ended   []wireAttempt `cbor:"5,keyasint,omitempty"`

	Rejected []wireRejected `cbor:"6,keyasint,omitempty"`
}

type wireStored struct {
	ID          string            `cbor:"1,keyasint"`
	Source      string            `cbor:"2,keyasint"`
	Action      string            `cbor:"3,keyasint"`
	Time        int64             `cbor:"4,keyasint"` // milliseconds since 1970
	ContentType string            `cbor:"5,keyasint,omitempty"`
	Header      map[string]string `cbor:"6,keyasint,omitempty"`
	Data        []byte            `cbor:"7,keyasint,omitempty"`
	Unrouted    bool              `cbor:"8,keyasint,omitempty"`
	Secret      string            `cbor:"9,keyasint,omitempty"`
	Process     string            `cbor:"10,keyasint,omitempty"`
	Omitted     int64             `cbor:"11,keyasint,omitempty"`
}

type wireAttempt struct {
	ID       string `cbor:"1,keyasint"`
	Source   string `cbor:"2,keyasint"`
	Action   string `cbor:"3,keyasint"`
	Time     int64  `cbor:"4,keyasint"` // milliseconds since 1970
	Route    string `cbor:"5,keyasint"`
	Number   int    `cbor:"6,keyasint"`
	Start    int64  `cbor:"7,keyasint"` // milliseconds since 1970
	Duration int64  `cbor:"8,keyasint"` // microseconds
	Outcome  string `cbor:"9,keyasint"`
	Reason   string `cbor:"10,keyasint,omitempty"`
	Error    string `cbor:"11,keyasint,omitempty"`
	Process  string `cbor:"12,keyasint,omitempty"`
	Next     int64  `cbor:"13,keyasint,omitempty"` // milliseconds since 1970; 0: none
}

func toWire(b Batch) wireBatch {
	w := wireBatch{Process: b.Process, Number: b.Number, Lost: b.Lost, Stored: make([]wireStored, len(b.Stored)), Ended: make([]wireAttempt, len(b.Ended))}
	for i := range b.Stored {
		s := &b.Stored[i]
		e := &s.Event
		w.Stored[i] = wireStored{
			ID: e.ID, Source: e.Source, Action: e.Action, Time: millis(e.Time), ContentType: e.ContentType, Header: e.Header, Data: e.Data,
			Unrouted: s.Unrouted, Secret: s.Secret, Process: s.Process, Omitted: s.Omitted,
		}
	}
	for i := range b.Ended {
		a := &b.Ended[i]
		w.Ended[i] = wireAttempt{
			ID: a.Key.ID, Source: a.Key.Source, Action: a.Key.Action, Time: millis(a.Key.Time), Route: a.Route, Number: a.Number,
			Start: millis(a.Start), Duration: a.Duration.Microseconds(), Outcome: string(a.Outcome), Reason: a.Reason, Error: a.Error,
			Process: a.Process, Next: millis(a.Next),
		}
	}
	for i := range b.Rejected {
		w.Rejected = append(w.Rejected, toWireRejected(&b.Rejected[i]))
	}
	return w
}

func (w *wireBatch) batch() Batch {
	b := Batch{Process: w.Process, Number: w.Number, Lost: w.Lost}
	if len(w.Stored) > 0 {
		b.Stored = make([]Stored, len(w.Stored))
	}
	if len(w.Ended) > 0 {
		b.Ended = make([]Attempt, len(w.Ended))
	}
	for i := range w.Stored {
		s := &w.Stored[i]
		b.Stored[i] = Stored{
			Event: event.Event{
				ID: s.ID, Source: s.Source, Action: s.Action, Time: fromMillis(s.Time), ContentType: s.ContentType, Header: s.Header, Data: s.Data,
			},
			Unrouted: s.Unrouted, Secret: s.Secret, Process: s.Process, Omitted: s.Omitted,
		}
	}
	for i := range w.Ended {
		a := &w.Ended[i]
		b.Ended[i] = Attempt{
			Key: Key{Source: a.Source, Action: a.Action, ID: a.ID, Time: fromMillis(a.Time)}, Route: a.Route, Number: a.Number,
			Start: fromMillis(a.Start), Duration: time.Duration(a.Duration) * time.Microsecond, Outcome: Outcome(a.Outcome), Reason: a.Reason,
			Error: a.Error, Process: a.Process, Next: fromMillis(a.Next),
		}
	}
	for i := range w.Rejected {
		b.Rejected = append(b.Rejected, w.Rejected[i].record())
	}
	return b
}

// millis returns 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
