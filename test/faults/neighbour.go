package main

import (
	"context"
	"fmt"

	"github.com/hookline/hookline/test/faults/system"
)

// copies is how often the neighbour of a full queue gets an event, for each receiver that gets the event: with the other routes, and then
// alone.
const copies = 2

// neighbour counts the deliveries of the route Archive while the queue of the route Count was full. It reports the events that came more
// often than documented.
func (t *trial) neighbour(ctx context.Context, r *result) {
	delivered, unsure, err := t.deliveries()
	if err != nil {
		r.problem("the neighbour of the full queue: %v", err)
		return
	}
	reconnects := 0 // a publish that waits for its confirm is repeated on the next connection
	for _, p := range t.Receivers {
		metrics, err := p.Metrics(ctx)
		if err != nil {
			r.problem("the neighbour of the full queue: %v", err)
			return
		}
		reconnects += int(metrics[`hookline_broker_reconnects_total{connection="publish"}`])
	}
	for _, id := range t.load.Accepted() {
		r.duplicated += max(0, delivered[id]-1)
		limit := copies*min(t.load.Tries(id), len(t.Receivers)) + reconnects
		if delivered[id] > limit && !unsure[id] {
			r.problem("%s came to the neighbour of the full queue %d times, more than %d", id, delivered[id], limit)
		}
	}
}

// deliveries returns how often the workers have delivered each event to the route Archive, by their logs. unsure has the events that a
// receiver could not store for another reason than the full queue, as on a busy machine.
func (t *trial) deliveries() (delivered map[string]int, unsure map[string]bool, err error) {
	delivered, unsure = map[string]int{}, map[string]bool{}
	for _, p := range t.Processes() {
		lines, err := p.LogLines()
		if err != nil {
			return nil, nil, fmt.Errorf("log of %s: %w", p.Name, err)
		}
		for _, line := range lines {
			switch line.Message {
			case "delivery done":
				if line.Route == system.Archive {
					delivered[line.ID]++
				}
			case "event spooled", "event not stored":
				unsure[line.ID] = unsure[line.ID] || line.Reason != "refused"
			}
		}
	}
	return delivered, unsure, nil
}
