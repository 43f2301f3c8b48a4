// Package expect tells when an event that should come to a route regularly has not come: the end of a nightly job.
package expect

import (
	"cmp"
	"fmt"
	"time"
	_ "time/tzdata" // so that zones are the same on every machine

	"github.com/hookline/hookline/pkg/setting"
)

// Config says when events should come to a route.
type Config struct {
	// Every is the longest time from one event to the next: 24h. Whole days follow the zone's clock, also where it changes.
	Every time.Duration `yaml:"every" schema:"required"`
	// By is the time of day until which the next event may come: 06:00. Default: it may come until every is over.
	By string `yaml:"by"`
	// Zone is the time zone of by and of whole days, such as Europe/Vienna. Default: UTC.
	Zone string `yaml:"zone"`
}

// Defaults returns a Config that lacks only Every.
func Defaults() Config { return Config{Zone: "UTC"} }

// UnmarshalYAML reads the keys over the defaults.
func (c *Config) UnmarshalYAML(decode func(any) error) error {
	type keys Config
	read := keys(Defaults())
	err := decode(&read)
	*c = Config(read)
	return err
}

// MarshalYAML shows the times in one line.
func (c Config) MarshalYAML() (any, error) {
	if c.By == "" {
		return fmt.Sprintf("every %s", c.Every), nil
	}
	return fmt.Sprintf("every %s, by %s %s", c.Every, c.By, c.Zone), nil
}

const (
	day = 24 * time.Hour
	// MaxEvery is the longest Config.Every.
	MaxEvery  = 366 * day
	timeOfDay = "15:04"
)

// Check joins a setting.FieldError for each wrong field.
func (c Config) Check() error {
	var errs setting.Errors
	if c.Every < time.Second || c.Every > MaxEvery {
		errs.Addf("every", "is %v; must be 1s to %v", c.Every, MaxEvery)
	}
	if _, err := time.Parse(timeOfDay, c.By); err != nil && c.By != "" {
		errs.Addf("by", "%q is no time of day such as 06:00", c.By)
	}
	if _, err := time.LoadLocation(cmp.Or(c.Zone, "UTC")); err != nil || c.Zone == "Local" {
		errs.Addf("zone", "%q is no time zone such as Europe/Vienna or UTC", c.Zone)
	}
	return errs.Err()
}

// rule is a checked Config.
type rule struct {
	every        time.Duration
	days         int // of every, if it is whole days
	daily        bool
	hour, minute int // of by
	zone         *time.Location
}

func newRule(c Config) (rule, error) {
	if err := c.Check(); err != nil {
		return rule{}, err
	}
	r := rule{every: c.Every, daily: c.By != ""}
	if c.Every%day == 0 {
		r.days = int(c.Every / day)
	}
	var err error
	if r.zone, err = time.LoadLocation(cmp.Or(c.Zone, "UTC")); err != nil {
		return r, err
	}
	if r.daily {
		by, err := time.Parse(timeOfDay, c.By)
		if err != nil {
			return r, err
		}
		r.hour, r.minute = by.Hour(), by.Minute()
	}
	return r, nil
}

// due returns the time until which the event after one at last may come. A time of day that a change of the clock skips is as long after
// midnight as on other days, and one that comes twice is one of the two.
func (r rule) due(last time.Time) time.Time {
	last = last.In(r.zone)
	due := last.Add(r.every)
	if r.days > 0 {
		due = last.AddDate(0, 0, r.days)
	}
	if !r.daily {
		return due
	}
	by := r.by(due, 0)
	if by.Before(due) {
		return r.by(due, 1)
	}
	return by
}

// by returns the time of day on the day of t, or some days later.
func (r rule) by(t time.Time, days int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, r.hour, r.minute, 0, 0, r.zone)
}
