package worker

import (
	"context"

	"golang.org/x/sync/semaphore"
)

const (
	// decodeFactor is about how many bytes a value in memory takes for each byte of its JSON text, at worst: a list of digits.
	decodeFactor = 24
	// decodeBytes bounds the decoded values of all routes of a process. One excerpt of MaxFilterData fits.
	decodeBytes = 128 << 20
)

// decodeBudget bounds the memory of the values that the filters of a process decode at the same time. A filter holds its part
// while it is evaluated, which takes milliseconds.
type decodeBudget struct{ *semaphore.Weighted }

func newDecodeBudget() *decodeBudget { return &decodeBudget{semaphore.NewWeighted(decodeBytes)} }

// take waits for room for the values of n bytes of JSON text, at most MaxFilterData. The returned function frees it.
func (b *decodeBudget) take(n int) (free func()) {
	weight := int64(n) * decodeFactor
	_ = b.Acquire(context.Background(), weight) // fails only with its context
	return func() { b.Release(weight) }
}
