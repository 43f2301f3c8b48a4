package signature

import (
	"fmt"
	"strconv"
	"time"
)

// signedTime reads, checks and writes the time that a sender signs.
type signedTime struct {
	location  location
	unit      Unit
	tolerance time.Duration
}

func (c signedTime) parse(text string) (time.Time, error) {
	if c.unit == RFC3339 {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return time.Time{}, refuse(Malformed, c.location.String()+" is not a time of RFC 3339")
		}
		return at, nil
	}
	n, err := strconv.ParseUint(text, 10, 63) // unsigned: refuses "+5" and "-5"
	if err != nil {
		return time.Time{}, refuse(Malformed, c.location.String()+" is not a number")
	}
	if c.unit == Milliseconds {
		return time.UnixMilli(int64(n)), nil
	}
	return time.Unix(int64(n), 0), nil
}

func (c signedTime) format(at time.Time) string {
	switch c.unit {
	case RFC3339:
		return at.UTC().Format(time.RFC3339)
	case Milliseconds:
		return strconv.FormatInt(at.UnixMilli(), 10)
	}
	return strconv.FormatInt(at.Unix(), 10)
}

func (c signedTime) check(at, now time.Time) error {
	age := now.Sub(at)
	if age.Abs() <= c.tolerance {
		return nil
	}
	if age > 0 {
		return refuse(Stale, fmt.Sprintf("signed %v ago, more than %v; a replay, or one of the clocks is wrong", age.Round(time.Second), c.tolerance))
	}
	return refuse(Stale, fmt.Sprintf("signed %v in the future, more than %v; one of the clocks is wrong", age.Abs().Round(time.Second), c.tolerance))
}
