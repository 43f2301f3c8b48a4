package broker

import "time"

// StoredDelivery is an event that a broker keeps for one route, or as unrouted, with the history of its attempts. Died is zero for an event
// that waits for its route.
type StoredDelivery struct {
	UndeliveredEvent
	Due time.Time // of the next attempt of a waiting event; zero: at once
}

// Role returns the role of the queue that the delivery is in. A delivery that has come back for another attempt is still of RoleRetry.
func (d StoredDelivery) Role() QueueRole {
	switch {
	case d.Route == Unrouted:
		return RoleUnrouted
	case !d.Died.IsZero():
		return RoleDead
	case !d.Due.IsZero():
		return RoleRetry
	}
	return RoleWork
}
