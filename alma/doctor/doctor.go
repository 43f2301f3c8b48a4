// Package doctor tests a set-up from outside, as Alma would use it. Each finding names the line of Alma's forms
// that it concerns.
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

// Status is the severity of a finding.
type Status string

// The statuses of a finding.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but needs attention
	Failed  Status = "failed"
)

// Finding is the result of one check.
type Finding struct {
	Status Status `json:"status"`
	// Line is a line of Alma's forms.
	Line string `json:"line"`
	// Text is the result and, if it is not ok, the remedy. It holds no secret.
	Text string `json:"text"`
}

// clockOff is the largest tolerated difference between clocks: certificates and logs depend on them.
const clockOff = time.Minute

// clock compares a remote clock, if known, with the local one.
func clock(name, line string, remote, now time.Time) []Finding {
	if remote.IsZero() {
		return nil
	}
	off := now.Sub(remote).Round(time.Second)
	if off.Abs() > clockOff {
		return []Finding{{Warning, line, fmt.Sprintf("%s is %v off the local clock: synchronise both by NTP; certificates and logs depend on them", name, off)}}
	}
	return []Finding{{OK, line, fmt.Sprintf("%s and the local clock agree within a minute", name)}}
}
