package broker

import (
	"context"
	"strings"
)

// Names of queues that every broker shows.
const (
	UnroutedQueue = "hookline.unrouted"

	workPrefix = "hookline.work."
	deadPrefix = "hookline.dead."
)

// WorkQueue returns the name of a route's work queue. On RabbitMQ it is also the routing key that brings an event back to the queue.
func WorkQueue(route string) string { return workPrefix + route }

// RouteOfWorkQueue returns the route of a work queue's name.
func RouteOfWorkQueue(name string) string { return strings.TrimPrefix(name, workPrefix) }

// DeadQueue returns the name of a route's dead-letter queue.
func DeadQueue(route string) string { return deadPrefix + route }

// QueueRole is the purpose of a queue.
type QueueRole string

// The roles of queues.
const (
	RoleWork     QueueRole = "work"
	RoleRetry    QueueRole = "retry"
	RoleDead     QueueRole = "dead"
	RoleUnrouted QueueRole = "unrouted"
	RoleExternal QueueRole = "external" // the work queue of an external route
)

// QueueInfo is the state of one queue at one moment.
type QueueInfo struct {
	Name      string    `json:"name"`
	Role      QueueRole `json:"role"`
	Route     string    `json:"route,omitempty"` // of work and dead queues
	Waiting   int       `json:"waiting"`         // events that no worker holds
	Missing   bool      `json:"missing,omitempty"`
	Consumers int       `json:"consumers"`           // worker processes that consume the queue, or Unseen
	LeftOver  bool      `json:"left_over,omitempty"` // of a route that the configuration lacks
}

// Unseen is the number of consumers where this process cannot see them.
const Unseen = -1

// Inspector shows a broker's queues.
type Inspector interface {
	// Queues returns every queue of the configured topology, including missing ones. It changes nothing.
	Queues(ctx context.Context) ([]QueueInfo, error)
}
