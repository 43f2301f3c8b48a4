package embedded

import (
	"context"
	"math"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
)

// TestAQueueIsSharedByItsConsumers needs the race detector to see more than lost deliveries.
func TestAQueueIsSharedByItsConsumers(t *testing.T) {
	t.Parallel()
	const consumers, deliveries = 4, 400
	q := newQueue(math.MaxInt64)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		fetched atomic.Int64
		work    sync.WaitGroup
		mu      sync.Mutex
		taken   = map[int64]int{} // by seq
		ended   = make(chan struct{})
	)
	end := sync.OnceFunc(func() { close(ended) })
	handle := func(d lease) {
		mu.Lock()
		taken[d.seq]++
		n := taken[d.seq]
		mu.Unlock()
		if d.seq%3 == 0 && n == 1 {
			q.requeue(d)
			return
		}
		q.release(d, d.seq%2 == 0)
		mu.Lock()
		defer mu.Unlock()
		if len(taken) == deliveries && q.exclude() == "[]" {
			end()
		}
	}
	consume := func() {
		leave, ok := q.join(ctx)
		if !ok {
			t.Error("the queue is closed")
			return
		}
		defer leave()
		for {
			d, next := q.take(ctx)
			switch next {
			case stepStop:
				return
			case stepFetch:
				var batch []lease
				for range 10 {
					if seq := fetched.Add(1); seq <= deliveries {
						batch = append(batch, lease{row: row{place: place{seq: seq}}})
					}
				}
				q.add(batch, fetched.Load() < deliveries, poll)
			case stepHandle:
				handle(d)
			}
		}
	}
	for range consumers {
		work.Go(consume)
	}
	work.Go(func() { // other parts of a process, meanwhile
		for range deliveries {
			q.wake()
			q.broadcast()
			if running, consumed := q.state(); running < 0 || running > consumers || !consumed && running > 0 {
				t.Errorf("%d running, consumed %v", running, consumed)
			}
		}
	})
	<-ended
	cancel()
	work.Wait()
	if err := q.close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, ok := q.join(t.Context()); ok {
		t.Error("joined a closed queue")
	}
	for seq := int64(1); seq <= deliveries; seq++ {
		if want := map[bool]int{true: 2, false: 1}[seq%3 == 0]; taken[seq] != want {
			t.Errorf("delivery %d was taken %d times, not %d", seq, taken[seq], want)
		}
	}
	if running, consumed := q.state(); running != 0 || consumed {
		t.Errorf("at the end %d run, consumed %v", running, consumed)
	}
}

// concurrently calls each function a hundred times in a goroutine of its own. There a function that forgets its lock is never ordered by
// the lock of another one, so that the race detector sees it.
func concurrently(calls ...func(i int64)) {
	var group sync.WaitGroup
	for _, call := range calls {
		group.Go(func() {
			for i := range int64(100) {
				call(i)
				runtime.Gosched() // so that they take turns
			}
		})
	}
	group.Wait()
}

func TestEachMethodOfAQueueLocks(t *testing.T) {
	t.Parallel()
	q := newQueue(math.MaxInt64)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var leave []func()
	for range 100 {
		l, _ := q.join(t.Context())
		leave = append(leave, l)
	}
	of := func(i int64) lease { return lease{row: row{place: place{seq: i}}} }
	concurrently(
		func(i int64) { q.add([]lease{of(i)}, i%2 == 0, poll) },
		func(i int64) { q.release(of(i), true) },
		func(i int64) { q.requeue(of(i)) },
		func(i int64) { leave[i]() },
		func(int64) { q.exclude() },
		func(int64) { q.wake() },
		func(int64) { q.state() },
		func(int64) { _, _ = q.join(t.Context()) },
		func(int64) { q.take(ended) },
		func(int64) { q.broadcast() },
		func(int64) { _ = q.close(ended) },
	)
}

func TestCountsAreSharedByManySenders(t *testing.T) {
	t.Parallel()
	var counts pendingCounts
	taken := int64(0)
	add := func(int64) { counts.add(tally{"alma", "mismatch"}, 1) }
	concurrently(add, add, add, func(int64) {
		for _, n := range counts.take() {
			taken += n
		}
	})
	for _, n := range counts.take() {
		taken += n
	}
	if taken != 300 || counts.take() != nil {
		t.Errorf("%d of 300 counts", taken)
	}
}

func TestACrashMarkerIsSharedByTheHandlers(t *testing.T) {
	t.Parallel()
	m, err := openCrashMarker(filepath.Join(t.TempDir(), "line.db"), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.file.Close()
	var lines []int
	for i := range int64(100) {
		lines = append(lines, m.add(place{"archive", 1, i}))
		m.crashed[place{"archive", 2, i}] = int(i)
	}
	concurrently(
		func(i int64) { m.add(place{"archive", 2, i}) },
		func(i int64) { m.add(place{"archive", 3, i}) },
		func(i int64) { m.has(place{"archive", 2, i}) },
		func(i int64) { m.remove(lines[i]) },
	)
	if len(m.crashed) != 0 || m.lines-len(m.free) != 100 {
		t.Errorf("%d crashed, %d lines, %d free", len(m.crashed), m.lines, len(m.free))
	}
}
