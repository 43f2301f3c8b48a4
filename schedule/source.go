package schedule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones mean the same wherever it runs

	"github.com/robfig/cron/v3"

	"github.com/hookline/hookline/pkg/event"
)

// DefaultAction is what a schedule's events are called that names no action.
const DefaultAction = "due"

// Source says when a source emits an event, and what it holds.
type Source struct {
	// Cron is when: minute, hour, day of month, month, day of week, as crontab(5) has them, or @hourly, @daily, @weekly,
	// @monthly, @yearly. If both days are given, either is enough. Required.
	Cron string `yaml:"cron"`
	// Zone is the time zone that Cron is meant in, as Europe/Vienna; empty: UTC. A time that its clocks jump over is left out,
	// and one that they pass twice comes twice.
	Zone string `yaml:"zone"`
	// Action is the events' action, words joined by dots; empty: DefaultAction.
	Action string `yaml:"action"`
	// Data is the body, as JSON; "due" is put beside it.
	Data map[string]any `yaml:"data"`
}

// idFormat is RFC 3339 in UTC without what cannot be in a file's name.
const idFormat = "20060102T150405Z"

// FieldError says what is wrong with one field of a source.
type FieldError struct {
	Source string
	Field  string // as in the configuration file
	Err    error
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("sources.%s.%s: %v", e.Source, e.Field, e.Err)
}

func (e *FieldError) Unwrap() error { return e.Err }

// Check tells everything that is wrong with a source of that name: a FieldError each, joined.
func (s Source) Check(name string) error {
	_, err := newSource(name, s)
	return err
}

// source is a Source made ready for use.
type source struct {
	name, action string
	data         map[string]any
	times        cron.Schedule
	zone         *time.Location
}

func newSource(name string, s Source) (*source, error) {
	var errs []error
	wrong := func(field string, err error) {
		if err != nil {
			errs = append(errs, &FieldError{name, field, err})
		}
	}
	zone, err := time.LoadLocation(cmp.Or(s.Zone, "UTC"))
	if err != nil || s.Zone == "Local" {
		wrong("zone", fmt.Errorf("%q is no time zone such as Europe/Vienna or UTC", s.Zone))
		zone = time.UTC
	}
	times, err := parse(s.Cron, zone)
	wrong("cron", err)
	action := cmp.Or(s.Action, DefaultAction)
	if event.NewAction(strings.Split(action, ".")...) != action {
		wrong("action", fmt.Errorf("%q is not made of words of a-z 0-9 _ - joined by dots", action))
	}
	if _, taken := s.Data["due"]; taken {
		wrong("data", errors.New(`"due" is put there by the schedule; choose another name`))
	}
	if _, err := json.Marshal(s.Data); err != nil {
		wrong("data", fmt.Errorf("cannot be JSON: %w", err))
	}
	return &source{name: name, action: action, data: s.Data, times: times, zone: zone}, errors.Join(errs...)
}

// parse allows what has the same times in every process: not "@every 5m", which counts from the start.
func parse(text string, zone *time.Location) (cron.Schedule, error) {
	if strings.Contains(text, "TZ=") {
		return nil, errors.New("names a time zone; write it under zone")
	}
	if strings.HasPrefix(text, "@every") {
		return nil, errors.New(`@every would count from the start of each process; write */5 * * * * for every five minutes`)
	}
	times, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf(`%w; write minute, hour, day of month, month and day of week, as "0 2 * * *" for 02:00 every day`, err)
	}
	if times.Next(time.Now().In(zone)).IsZero() {
		return nil, fmt.Errorf("%q never comes", text)
	}
	return times, nil
}

// latest is the last due time after one moment and not after another; the zero time if there is none.
func (s *source) latest(after, until time.Time) (due time.Time) {
	for next := s.times.Next(after.In(s.zone)); !next.IsZero() && !next.After(until); next = s.times.Next(next) {
		due = next
	}
	return due
}

// event is what is emitted for a due time: the same, but for when it was taken, whoever emits it.
func (s *source) event(due, now time.Time) (event.Event, error) {
	body := map[string]any{"due": due.Format(time.RFC3339)}
	for key, value := range s.data {
		body[key] = value
	}
	data, err := json.Marshal(body)
	if err != nil {
		return event.Event{}, fmt.Errorf("data: %w", err)
	}
	return event.Event{
		ID: s.name + "-" + due.UTC().Format(idFormat), Source: s.name, Action: s.action,
		Time: now.UTC().Truncate(time.Millisecond), ContentType: "application/json", Data: data,
	}, nil
}
