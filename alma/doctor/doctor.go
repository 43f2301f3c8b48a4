// Package doctor plays Alma from outside and says what is right and what is wrong with a set-up, and to which line of
// Alma's forms each finding belongs.
package doctor

import (
	"fmt"
	"time"
)

// The lines of Alma's forms. The first four are those of an integration profile of the type Webhooks (Configuration, General,
// External Systems, Integration Profiles), the last one of an API key in the Developer Network (Build My APIs, API Keys).
const (
	LineURL     = "Webhook Listener URL"
	LineActive  = "Activate"
	LineSecret  = "Secret"
	LineMessage = "Message type"
	LineKey     = "API key"
)

// Status is how bad a finding is.
type Status string

// The statuses of a finding.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but somebody should look
	Failed  Status = "failed"
)

// Finding is one thing that was looked at.
type Finding struct {
	Status Status `json:"status"`
	// Line is of Alma's form.
	Line string `json:"line"`
	// Text says what was found and, if it is not ok, what to do. It holds no secret.
	Text string `json:"text"`
}

// clockOff is a difference between clocks that should make somebody look: certificates and logs go by them.
const clockOff = time.Minute

// clock compares the clock over there, if it is known, with the one here.
func clock(whose, line string, there, now time.Time) []Finding {
	if there.IsZero() {
		return nil
	}
	off := now.Sub(there).Round(time.Second)
	if off.Abs() > clockOff {
		return []Finding{{Warning, line, fmt.Sprintf("%s is %v off the clock here: set both by NTP; certificates and logs go by them", whose, off)}}
	}
	return []Finding{{OK, line, fmt.Sprintf("%s and the one here agree within a minute", whose)}}
}
