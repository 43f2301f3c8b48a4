package jsonbody

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"
)

const (
	// decodeFactor is about how many bytes a value in memory takes for each byte of its JSON text, at worst: a list of digits.
	decodeFactor = 24
	// budgetBytes bounds the decoded values of a process. The values of 4 MiB fit, and the garbage of earlier ones.
	budgetBytes = 128 << 20
	// smallText is the size in bytes of a text that waits for nobody: the values of a hundred such texts take 38 MiB.
	smallText = 16 << 10
)

// Budget bounds the memory of the values that a process decodes from bodies at the same time: 128 MiB. So large bodies are
// decoded one after the other, and small ones never wait. A nil Budget has no bound. It is safe for concurrent use.
type Budget struct{ room *semaphore.Weighted }

// NewBudget returns the budget of a process.
func NewBudget() *Budget { return &Budget{semaphore.NewWeighted(budgetBytes)} }

// Take waits for room for the values of n bytes of JSON text. A text that is too large for the budget takes all of it. Call
// free once when the values are not needed any more, and before the next Take. It returns the cause of ctx's end if that
// comes first; then free does nothing.
func (b *Budget) Take(ctx context.Context, n int) (free func(), err error) {
	if b == nil || n < smallText {
		return func() {}, nil
	}
	weight := min(int64(n)*decodeFactor, budgetBytes)
	if b.room.Acquire(ctx, weight) != nil {
		return func() {}, fmt.Errorf("no memory to decode %d bytes while other large events are in progress: %w", n, context.Cause(ctx))
	}
	return func() { b.room.Release(weight) }, nil
}
