package broker

import (
	"context"
	"time"
)

// Audit is a balance of all stored events.
type Audit struct {
	Since time.Time `json:"since"` // begin of the counts
	// Anew is the reason why counting began anew at Since, so that losses before it are unknown. It is empty if counting did not begin
	// anew, and after Auditor.Acknowledge.
	Anew string `json:"anew,omitempty"`
	// Newer counts the notes of a newer Hookline in the ledger, which this one does not know. If there are any, the numbers are incomplete.
	Newer       int64         `json:"newer,omitempty"`
	Sources     []SourceAudit `json:"sources"`
	Routes      []RouteAudit  `json:"routes"`
	Spools      []SpoolAudit  `json:"spools,omitempty"`
	Unaccounted int64         `json:"unaccounted"` // sum over all routes and spools; more than 0: events were lost
	// Undeclared are the queues that get events and that no configuration declares, as far as this process can ask RabbitMQ's management API.
	Undeclared []UndeclaredQueue `json:"undeclared_queues,omitempty"`
	// AtRisk are the queues that can lose events, as far as this process can ask RabbitMQ's management API.
	AtRisk []QueueAtRisk `json:"queues_at_risk,omitempty"`
}

// QueueAtRisk is a queue that can lose events because of the state of RabbitMQ's cluster or of its policies.
type QueueAtRisk struct {
	Queue  string `json:"queue"`
	Risk   Risk   `json:"risk"`
	Advice string `json:"advice"` // the cause, and what to do
}

// Risk is the kind of cause by which a queue can lose events.
type Risk string

// The risks.
const (
	RiskMembers Risk = "members" // a quorum queue or stream is on fewer nodes than it could be
	RiskPolicy  Risk = "policy"  // a policy drops events
)

// UndeclaredQueue is a queue that somebody has bound to the events, and that no configuration declares.
type UndeclaredQueue struct {
	Queue    string   `json:"queue"`
	Patterns []string `json:"patterns"`
}

// SourceAudit counts the requests and events of one source.
type SourceAudit struct {
	Source    string           `json:"source"`
	Received  int64            `json:"received"`  // requests
	Rejected  map[string]int64 `json:"rejected"`  // requests by reason that were not answered 200
	Duplicate int64            `json:"duplicate"` // duplicates of stored events, answered 200 and not stored
	Spooled   int64            `json:"spooled"`   // events answered 200 that are on a receiver's disk now
	Accepted  int64            `json:"accepted"`  // events answered 200 and stored on the broker
	Unrouted  int64            `json:"unrouted"`  // accepted events that no route matched
}

// RouteAudit counts the events of one route. It counts each event once, however often it was delivered. Accepted is the sum of all
// other numbers except Extra, Uncounted, Unkeyed, InUnrouted and Surplus.
type RouteAudit struct {
	Route       string `json:"route"` // Unrouted for the unrouted events
	Accepted    int64  `json:"accepted"`
	Waiting     int64  `json:"waiting"`
	Running     int64  `json:"running"`  // a worker handles them
	Retrying    int64  `json:"retrying"` // waiting for the time of another attempt
	Done        int64  `json:"done"`
	Dead        int64  `json:"dead"`
	Discarded   int64  `json:"discarded"`
	External    bool   `json:"external,omitempty"`   // a program of somebody else consumes the events
	Taken       int64  `json:"taken,omitempty"`      // by that program
	Undeclared  int64  `json:"undeclared,omitempty"` // unrouted events that match the patterns of undeclared queues, and are in no declared one
	Unaccounted int64  `json:"unaccounted"`
	// Unkeyed counts open events that the audit knows by number alone, because too many are open: an event that was handled twice can hide a
	// loss among them.
	Unkeyed    int64 `json:"unkeyed,omitempty"`
	InUnrouted int64 `json:"in_unrouted,omitempty"` // of Waiting: they are in the unrouted queue, because a binding was missing
	LeftOver   bool  `json:"left_over,omitempty"`   // the configuration lacks the route, and the broker has its events or queues
	Surplus    int64 `json:"surplus,omitempty"`     // events in the route's queues beyond those that were accepted for it
	Extra      int64 `json:"extra"`                 // finished more often than accepted: done twice, or stored without a 200
	// Uncounted counts finished events that no receiver counted for this route: it does not know the route, or stored them before Since.
	Uncounted int64 `json:"uncounted,omitempty"`
}

// Binding is a pattern by which a route gets events.
type Binding struct{ Route, Pattern string }

// Unbinder ends that routes go on getting events by patterns that were removed from the configuration.
type Unbinder interface {
	// Unbind removes the bindings that processes have declared and that no running process has in its configuration. It keeps those
	// of a queue that somebody consumes although no running process knows the route. remaining are the bindings that it kept, and
	// those that this user may not remove.
	Unbind(ctx context.Context) (removed, remaining []Binding, err error)
}

// SpoolCounts are the cumulative numbers of a spool, over restarts and over the loss of its database.
type SpoolCounts struct {
	Taken     int64 `json:"taken"`     // events answered 200 and stored on the disk
	Published int64 `json:"published"` // stored on the broker since
	Discarded int64 `json:"discarded"` // removed by a person
	Present   int64 `json:"present"`   // on the disk
}

// Unaccounted returns the number of taken events that are neither published nor discarded nor present.
func (c SpoolCounts) Unaccounted() int64 { return max(0, c.Taken-c.Published-c.Discarded-c.Present) }

// SpoolAudit counts the events of a spool. Spools without events and losses are left out.
type SpoolAudit struct {
	Spool string `json:"spool"` // its name, as in the file spool/name of the receiver's data folder
	SpoolCounts
	Unaccounted int64 `json:"unaccounted"`
	// SilentSince is the time of the last message of a receiver that has fallen silent with events in its spool; nil otherwise.
	SilentSince *time.Time `json:"silent_since,omitempty"`
}

// Auditor balances stored events while receivers and workers run.
type Auditor interface {
	// Audit counts all stored events. After an error it is unknown whether events were lost.
	Audit(ctx context.Context) (Audit, error)
	// Acknowledge takes note of Audit.Anew for all processes: the next audits leave it out.
	Acknowledge(ctx context.Context) error
}

// Counter counts requests and events that a receiver did not store. An audit shows the numbers. A crash loses the last seconds of
// them at most.
type Counter interface {
	// Count adds one to a number of a source: kind is CountReceived, CountDuplicate, or a reason of rejection.
	Count(source, kind string)
	// Spooled sets the number of events of each source on this receiver's disk, and the numbers of its spool.
	Spooled(events map[string]int64, counts SpoolCounts)
}

// Kinds of Counter.Count besides the reasons of rejection.
const (
	CountReceived  = "received"
	CountDuplicate = "duplicate"
)
