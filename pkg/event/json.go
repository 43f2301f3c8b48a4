package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// TimeFormat is the format of every time of an event: RFC 3339 in UTC with milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z07:00"

// wire is the JSON form of an event: CloudEvents 1.0 (JSON event format) with "header" as an additional object. The body
// is always data_base64, so that every byte of it survives.
type wire struct {
	SpecVersion string            `json:"specversion"`
	ID          string            `json:"id"`
	Source      string            `json:"source"`
	Type        string            `json:"type"`
	Time        string            `json:"time"`
	ContentType string            `json:"datacontenttype,omitempty"`
	Header      map[string]string `json:"header,omitempty"`
	Data        []byte            `json:"data_base64,omitempty"`
}

// MarshalJSON returns the event in its documented JSON form.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{"1.0", e.ID, e.Source, e.Action, e.Time.UTC().Format(TimeFormat), e.ContentType, e.Header, e.Data})
}

// UnmarshalJSON reads the JSON form. It returns an error for an event without id, source, type or time.
func (e *Event) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if w.ID == "" || w.Source == "" || w.Type == "" {
		return errors.New("event: id, source and type are required")
	}
	at, err := time.Parse(time.RFC3339, w.Time)
	if err != nil {
		return fmt.Errorf("event %s: time: %w", w.ID, err)
	}
	*e = Event{w.ID, w.Source, w.Type, at.UTC(), w.ContentType, w.Header, w.Data}
	return nil
}
