package broker

import "time"

// StoredDelivery is an event that a broker keeps for one route, or as unrouted, with the history of its attempts. Died is zero for an event
// that waits for its route.
type StoredDelivery struct {
	UndeliveredEvent
	Due time.Time // of the next attempt of a waiting event; zero: at once
}
