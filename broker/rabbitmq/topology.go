package rabbitmq

import (
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
)

// Names of the exchanges, queues and streams that Hookline declares on RabbitMQ. This file makes them all, except for those of
// package broker, which are the same for every broker.
const (
	EventsExchange   = "hookline.events"   // topic: receivers publish here
	ReturnExchange   = "hookline.return"   // direct: from the delay queues back to one work queue
	DeadExchange     = "hookline.dead"     // direct: to the dead-letter queue of a route
	UnroutedExchange = "hookline.unrouted" // fanout: events that no queue took

	LedgerExchange = "hookline.ledger"        // direct: to the three streams, by the keys LedgerNote, LedgerSummary and LedgerPause
	LedgerStream   = "hookline.ledger"        // the notes of every process about events; see package ledger
	SummaryStream  = "hookline.ledger.state"  // sums of the notes, so that a reader need not begin with the first note
	PauseStream    = "hookline.ledger.pauses" // every pause of a route by a person, and its end; see pause_stream.go
	LedgerNote     = "note"
	LedgerSummary  = "state"
	LedgerPause    = "pause"

	JournalExchange = "hookline.journal" // fanout: to the stream
	JournalStream   = "hookline.journal" // batches of the journal, on their way to its readers

	AuditLeaderQueue    = "hookline.ledger.keeper" // always empty: its one consumer leads the audit
	ScheduleLeaderQueue = "hookline.clock"         // always empty: its one consumer leads the schedules

	retryPrefix = "hookline.retry."
)

// Roles of queues that hold no events. Queues leaves them out.
const (
	roleLedger  broker.QueueRole = "ledger"
	roleJournal broker.QueueRole = "journal"
	roleLeader  broker.QueueRole = "leader"
)

// RetryQueue is the name of the queue, and of the exchange before it, that holds an event for one delay step.
func RetryQueue(step time.Duration) string { return retryPrefix + shortDuration(step) }

// DelaySteps are the delay queues' times to live, ascending. A delay between two steps is made of several.
// Another value is another queue: changing a step leaves the old queue to drain by itself.
func DelaySteps() []time.Duration {
	return []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}
}

// Exchange is an exchange to declare; all are durable.
type Exchange struct {
	Name string
	Kind string
	Args map[string]any
}

// Queue is a queue to declare; all are durable: quorum queues, and the streams of the ledger and the journal.
type Queue struct {
	Name string
	Args map[string]any

	Role  broker.QueueRole
	Route string // of work and dead queues
}

// Binding binds Queue to Exchange by Key.
type Binding struct {
	Exchange string
	Key      string
	Queue    string
}

// Topology is everything that has to exist on RabbitMQ, in an order in which it can be declared.
type Topology struct {
	Exchanges []Exchange
	Queues    []Queue
	Bindings  []Binding
}

const (
	// crashLimit is how often a message may come back before RabbitMQ itself dead-letters it. A worker counts the attempt of such
	// an event and stores it as a new message. So only an event that ends every worker before that reaches the limit.
	// RabbitMQ 4 has the same default; 3.10 has none.
	crashLimit = 20
	// neverLimit stands for "no limit" on queues that are browsed, because browsing returns messages. A limit of -1 means "no
	// limit" on RabbitMQ 4, but "drop at the first" on 3.10.
	neverLimit = 1_000_000_000

	// Sizes of the ledger's streams in bytes on each node. A stream can be a segment larger, because RabbitMQ drops whole
	// segments. Notes before the latest summary are not needed.
	maxLedger    = 512 << 20
	maxSummaries = 64 << 20
	maxPauses    = 64 << 20
	maxSegment   = 16 << 20
	maxLedgerAge = "30D"

	// The journal's stream carries batches to their readers and keeps none. RabbitMQ drops a segment when it begins another one, so small
	// segments let events with personal data leave it soon.
	maxJournal        = 1 << 30
	maxJournalSegment = 2 << 20
	maxJournalAge     = "24h"
)

// NewTopology returns the topology of the routes. Arguments fix the settings that protect events from loss. Policies are for the
// settings that an operator may tune later, such as length limits and the consumer timeout.
func NewTopology(routes []broker.Route) Topology {
	t := Topology{
		Exchanges: []Exchange{
			{Name: UnroutedExchange, Kind: "fanout"},
			{Name: EventsExchange, Kind: "topic", Args: map[string]any{"alternate-exchange": UnroutedExchange}},
			{Name: ReturnExchange, Kind: "direct", Args: map[string]any{"alternate-exchange": UnroutedExchange}},
			{Name: DeadExchange, Kind: "direct", Args: map[string]any{"alternate-exchange": UnroutedExchange}},
			{Name: LedgerExchange, Kind: "direct"},
		},
	}
	t.queue(Queue{Name: LedgerStream, Role: roleLedger, Args: stream(maxLedger, maxSegment, maxLedgerAge)}, Binding{Exchange: LedgerExchange, Key: LedgerNote})
	t.queue(Queue{Name: SummaryStream, Role: roleLedger, Args: stream(maxSummaries, maxSegment, maxLedgerAge)}, Binding{Exchange: LedgerExchange, Key: LedgerSummary})
	t.queue(Queue{Name: PauseStream, Role: roleLedger, Args: stream(maxPauses, maxSegment, "")}, Binding{Exchange: LedgerExchange, Key: LedgerPause})
	t.queue(Queue{Name: AuditLeaderQueue, Role: roleLeader, Args: quorum(neverLimit)})
	t.queue(Queue{Name: ScheduleLeaderQueue, Role: roleLeader, Args: quorum(neverLimit)})
	t.queue(Queue{Name: broker.UnroutedQueue, Role: broker.RoleUnrouted, Args: quorum(neverLimit)}, Binding{Exchange: UnroutedExchange})
	for _, step := range DelaySteps() {
		name := RetryQueue(step)
		args := deadLetterTo(quorum(neverLimit), ReturnExchange)
		args["x-message-ttl"] = step.Milliseconds()
		t.Exchanges = append(t.Exchanges, Exchange{Name: name, Kind: "fanout"})
		t.queue(Queue{Name: name, Role: broker.RoleRetry, Args: args}, Binding{Exchange: name})
	}
	for _, r := range routes {
		work, dead := broker.WorkQueue(r.Name), broker.DeadQueue(r.Name)
		t.queue(Queue{Name: dead, Role: broker.RoleDead, Route: r.Name, Args: quorum(neverLimit)}, Binding{Exchange: DeadExchange, Key: work})
		args := deadLetterTo(quorum(crashLimit), DeadExchange)
		args["x-dead-letter-routing-key"] = work
		bindings := []Binding{{Exchange: ReturnExchange, Key: work}}
		for _, pattern := range r.Match {
			bindings = append(bindings, Binding{Exchange: EventsExchange, Key: pattern})
		}
		role := broker.RoleWork
		if r.External {
			role = broker.RoleExternal
		}
		t.queue(Queue{Name: work, Role: role, Route: r.Name, Args: args}, bindings...)
	}
	return t
}

// journalTopology returns the objects of the journal. Events do not need them.
func journalTopology() Topology {
	t := Topology{Exchanges: []Exchange{{Name: JournalExchange, Kind: "fanout"}}}
	t.queue(Queue{Name: JournalStream, Role: roleJournal, Args: stream(maxJournal, maxJournalSegment, maxJournalAge)}, Binding{Exchange: JournalExchange})
	return t
}

// wholeTopology returns all objects of a configuration.
func wholeTopology(cfg Config) Topology {
	t := NewTopology(cfg.Routes)
	if cfg.Journal {
		j := journalTopology()
		t.Exchanges, t.Queues, t.Bindings = append(t.Exchanges, j.Exchanges...), append(t.Queues, j.Queues...), append(t.Bindings, j.Bindings...)
	}
	return t
}

func (t *Topology) queue(q Queue, bindings ...Binding) {
	t.Queues = append(t.Queues, q)
	for _, b := range bindings {
		b.Queue = q.Name
		t.Bindings = append(t.Bindings, b)
	}
}

// quorum returns the arguments of every queue that holds events: replicated, fsynced, and never dropping a message by itself.
func quorum(deliveryLimit int64) map[string]any {
	return map[string]any{"x-queue-type": "quorum", "x-delivery-limit": deliveryLimit, "x-overflow": "reject-publish"}
}

// stream returns the arguments of a stream, which drops its oldest segments by itself. Without maxAge messages of any age stay.
func stream(maxBytes, segment int64, maxAge string) map[string]any {
	args := map[string]any{"x-queue-type": "stream", "x-max-length-bytes": maxBytes, "x-stream-max-segment-size-bytes": segment}
	if maxAge != "" {
		args["x-max-age"] = maxAge
	}
	return args
}

// deadLetterTo adds the arguments by which a queue forwards its messages to exchange: at every moment each message is in one of the two.
func deadLetterTo(args map[string]any, exchange string) map[string]any {
	args["x-dead-letter-exchange"] = exchange
	args["x-dead-letter-strategy"] = "at-least-once"
	return args
}

// shortDuration writes 1s, 2m, 6h without time.Duration's trailing zero units.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
