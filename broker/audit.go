package broker

import (
	"context"
	"time"
)

// Audit is what has become of every event that was stored, as numbers that have to add up.
type Audit struct {
	Since       time.Time     `json:"since"` // when counting began
	Sources     []SourceAudit `json:"sources"`
	Routes      []RouteAudit  `json:"routes"`
	Unaccounted int64         `json:"unaccounted"` // of all routes: 0, or something was lost
}

// SourceAudit is what came from one source.
type SourceAudit struct {
	Source    string           `json:"source"`
	Received  int64            `json:"received"`  // requests
	Rejected  map[string]int64 `json:"rejected"`  // by reason: what was not answered 200
	Duplicate int64            `json:"duplicate"` // repeats of a stored event, answered 200 without new work
	Spooled   int64            `json:"spooled"`   // answered 200, and still on a receiver's disk
	Accepted  int64            `json:"accepted"`  // answered 200 and stored on the line
	Unrouted  int64            `json:"unrouted"`  // of the accepted: no route took them
}

// RouteAudit is what became of the events that one route took, each counted once however often it was delivered:
// accepted is the sum of all the others but Extra.
type RouteAudit struct {
	Route       string `json:"route"` // empty: the unrouted
	Accepted    int64  `json:"accepted"`
	Waiting     int64  `json:"waiting"`
	Running     int64  `json:"running"`  // in a worker's hand
	Retrying    int64  `json:"retrying"` // waiting for another attempt's time
	Done        int64  `json:"done"`
	Dead        int64  `json:"dead"`
	Discarded   int64  `json:"discarded"`
	Unaccounted int64  `json:"unaccounted"`
	Extra       int64  `json:"extra"` // finished beyond what was accepted: done twice, or stored without a 200
}

// Auditor accounts for stored events while everything runs.
type Auditor interface {
	// Audit counts. An error means that it cannot be told, which is neither good nor bad news.
	Audit(ctx context.Context) (Audit, error)
}

// Counter takes note of what a receiver did not store: those numbers are for the audit, and are lost with at most the
// last seconds before a crash.
type Counter interface {
	// Count adds one to what came to, for a source: CountReceived, CountDuplicate, or a reason of rejection.
	Count(source, what string)
	// Spooled says how many events of each source are on this receiver's disk now.
	Spooled(events map[string]int64)
}

// What Counter counts besides reasons of rejection.
const (
	CountReceived  = "received"
	CountDuplicate = "duplicate"
)
