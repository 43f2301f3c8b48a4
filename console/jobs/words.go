package jobs

import (
	"fmt"
	"strings"
	"time"
)

// words returns the selection for people, without the number of events.
func (s Selection) words() string {
	noun := map[From]string{FromDead: "dead letters", FromUnrouted: "unrouted events", FromFailing: "failing events", FromJournal: "recorded events"}[s.From]
	parts := []string{noun}
	if len(s.Routes) > 0 {
		parts[0] += " of " + strings.Join(s.Routes, ", ")
	}
	for _, field := range []struct{ name, value string }{
		{"source", s.Source}, {"action", s.Action}, {"reason", s.Reason}, {"error", s.Cause}, {"text", s.Text}, {"state", string(s.State)},
	} {
		if field.value != "" {
			parts = append(parts, fmt.Sprintf("%s %q", field.name, field.value))
		}
	}
	if n := len(s.IDs); n > 0 {
		parts = append(parts, fmt.Sprintf("%d chosen IDs", n))
	}
	if !s.Since.IsZero() {
		parts = append(parts, "since "+s.Since.UTC().Format(time.RFC3339))
	}
	if !s.Until.IsZero() {
		parts = append(parts, "until "+s.Until.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}
