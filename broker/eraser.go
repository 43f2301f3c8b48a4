package broker

import "context"

// Eraser finds stored events in every place of a broker, and removes them.
type Eraser interface {
	// Erase visits the stored deliveries that no worker has fetched: those that wait, those that wait for another attempt, dead letters,
	// and unrouted events. It removes the picked ones for good, and counts them as discarded. removed is their number, also with an error.
	// The others stay as they were, in their order. A pick that returns false each time only looks.
	//
	// A delivery that changes its place during the call can be missed or visited twice: repeat Erase until it finds nothing.
	Erase(ctx context.Context, pick func(StoredDelivery) bool) (removed int, err error)
}
