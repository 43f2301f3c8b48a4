package app

import (
	"math"
	"runtime/debug"

	"github.com/hookline/hookline/broker"
)

const (
	// fetchedPart is the part of Go's memory limit for the bodies of fetched events: one of four.
	fetchedPart = 4
	// fetchedBytes is the memory in bytes for them if Go has no limit.
	fetchedBytes = 256 << 20
)

// routeBytes returns the memory in bytes for the bodies of the fetched events of a route: an equal share for each of the routes, and
// at least one body of the largest size.
func routeBytes(routes int) int64 {
	total := int64(fetchedBytes)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		total = limit / fetchedPart
	}
	return max(total/int64(max(1, routes)), broker.MaxBody)
}
