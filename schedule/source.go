package schedule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // so that zones are the same on every machine

	"github.com/robfig/cron/v3"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/setting"
)

// Source is the configuration of a source that the clock drives.
type Source struct {
	// Cron says when events are due: minute, hour, day of month, month, day of week, such as 0 2 * * * for 02:00 every day; or @hourly,
	// @daily, @weekly, @monthly, @yearly. If both days are given, either is enough.
	Cron string `yaml:"cron" schema:"required"`
	// Zone is the time zone of cron, such as Europe/Vienna. Where its clocks change, a skipped hour does not run; a repeated hour runs twice.
	Zone string `yaml:"zone"`
	// Action is the action of the events: words joined by dots.
	Action string `yaml:"action"`
	// Data is the body of the events, as JSON; "due" is added to it.
	Data map[string]any `yaml:"data"`
}

// Defaults returns a Source that lacks only its times.
func Defaults() Source { return Source{Zone: "UTC", Action: "due"} }

// idFormat is RFC 3339 in UTC without the characters that a file name cannot have.
const idFormat = "20060102T150405Z"

// Sources are the checked sources of an Emitter, by name.
type Sources map[string]*source

// Add checks a source and adds it under its name. The error joins a setting.FieldError for each wrong field.
func (all Sources) Add(name string, s Source) error {
	made, err := newSource(name, s)
	if err != nil {
		return err
	}
	all[name] = made
	return nil
}

// source is a checked Source.
type source struct {
	name, action string
	data         map[string]any
	times        cron.Schedule
	zone         *time.Location
}

func newSource(name string, s Source) (*source, error) {
	usual := Defaults()
	s.Zone, s.Action = cmp.Or(s.Zone, usual.Zone), cmp.Or(s.Action, usual.Action)
	var errs setting.Errors
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "Local" {
		errs.Addf("zone", "%q is no time zone such as Europe/Vienna or UTC", s.Zone)
		zone = time.UTC
	}
	times, err := parse(s.Cron, zone)
	errs.Add("cron", err)
	if event.NewAction(strings.Split(s.Action, ".")...) != s.Action {
		errs.Addf("action", "%q is not made of words of a-z 0-9 _ - joined by dots", s.Action)
	}
	if _, taken := s.Data["due"]; taken {
		errs.Addf("data", `"due" is set by the schedule; choose another name`)
	}
	if _, err := json.Marshal(s.Data); err != nil {
		errs.Addf("data", "cannot be JSON: %w", err)
	}
	return &source{name: name, action: s.Action, data: s.Data, times: times, zone: zone}, errs.Err()
}

// parse accepts expressions that have the same times in every process. "@every 5m" counts from the start of a process.
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

// latest returns the last due time that is later than after and not later than until, and the zero time if there is none.
func (s *source) latest(after, until time.Time) (due time.Time) {
	for next := s.times.Next(after.In(s.zone)); !next.IsZero() && !next.After(until); next = s.times.Next(next) {
		due = next
	}
	return due
}

// event returns the event of a due time. It is the same in every process, except for the time of its receipt.
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
