package embedded

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// idle returns a queue whose database has no more deliveries, and a channel with the step of a consumer that waits.
func idle(ctx context.Context, t *testing.T) (*queue, <-chan step) {
	t.Helper()
	q := newQueue(math.MaxInt64)
	if _, next := q.take(ctx); next != stepFetch {
		t.Fatalf("a new queue begins with step %d", next)
	}
	q.add(nil, false, time.Hour)
	got := make(chan step, 1)
	go func() {
		_, next := q.take(ctx)
		got <- next
	}()
	synctest.Wait()
	return q, got
}

// TestAWaitingConsumerIsWoken has each change that gives a waiting consumer its next step. No time passes, so the queue's timer does
// not help.
func TestAWaitingConsumerIsWoken(t *testing.T) {
	t.Parallel()
	delivery := lease{row: row{place: place{seq: 7}}}
	for name, c := range map[string]struct {
		change func(*queue)
		want   step
	}{
		"deliveries were fetched":      {func(q *queue) { q.add([]lease{delivery}, false, time.Hour) }, stepHandle},
		"the database has more":        {func(q *queue) { q.add(nil, true, time.Hour) }, stepFetch},
		"an event was stored":          {func(q *queue) { q.wake() }, stepFetch},
		"a delivery was retried":       {func(q *queue) { q.release(delivery, true) }, stepFetch},
		"a delivery returns unchanged": {func(q *queue) { q.requeue(delivery) }, stepHandle},
		"the queue closes":             {func(q *queue) { _ = q.close(context.Background()) }, stepStop},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			q, got := idle(ctx, t)
			c.change(q)
			synctest.Wait()
			select {
			case next := <-got:
				if next != c.want {
					t.Errorf("%s: step %d, want %d", name, next, c.want)
				}
			default:
				t.Errorf("%s: the consumer waits", name)
			}
			cancel()
			q.broadcast()
			synctest.Wait()
			q.timer.Stop()
		})
	}
}

func TestAConsumerWaitsWithoutAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q, got := idle(ctx, t)
		leave, ok := q.join(ctx)
		q.release(lease{row: row{place: place{seq: 7}}}, false)
		synctest.Wait()
		if len(got) != 0 || !ok {
			t.Errorf("step %d after a delivery that is done; joined %t", <-got, ok)
		}
		cancel() // join wakes the consumers at the end of its context
		if next := <-got; next != stepStop {
			t.Errorf("step %d", next)
		}
		closed := make(chan error, 1)
		go func() { closed <- q.close(context.Background()) }()
		synctest.Wait()
		if len(closed) != 0 {
			t.Error("the queue does not wait for its consumer")
		}
		leave()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if _, ok := q.join(t.Context()); ok {
			t.Error("a closed queue is joined")
		}
	})
}

func TestAQueueThatClosesWaitsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(math.MaxInt64)
		leave, _ := q.join(t.Context())
		defer leave()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := q.close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestAReturnedDeliveryIsTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(math.MaxInt64)
		defer q.timer.Stop()
		q.take(t.Context())
		q.add([]lease{{row: row{place: place{seq: 1}}}, {row: row{place: place{seq: 2}}}}, false, time.Hour)
		first, _ := q.take(t.Context())
		leased := q.exclude()
		if running, _ := q.state(); running != 1 || leased != "[1,2]" && leased != "[2,1]" {
			t.Errorf("%d are running, %s are leased", running, leased)
		}
		q.requeue(first)
		if running, _ := q.state(); running != 0 {
			t.Errorf("%d are running", running)
		}
		for _, want := range []int64{1, 2} {
			d, _ := q.take(t.Context())
			if d.seq != want {
				t.Errorf("delivery %d, want %d", d.seq, want)
			}
			q.release(d, false)
		}
		if got := q.exclude(); got != "[]" {
			t.Errorf("%s are leased", got)
		}
	})
}

// TestAnIdleQueueLooksAgain has deliveries that another process replayed, or that are due.
func TestAnIdleQueueLooksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(math.MaxInt64)
		q.take(t.Context())
		begin := time.Now()
		q.add(nil, false, 300*time.Millisecond)
		if _, next := q.take(t.Context()); next != stepFetch || time.Since(begin) != 300*time.Millisecond {
			t.Errorf("step %d after %v", next, time.Since(begin))
		}
		q.timer.Stop()
	})
}

func TestErrorsOfTheFileSayWhatToDo(t *testing.T) {
	t.Parallel()
	db, err := openDB(t.TempDir() + "/none/line.db")
	if err != nil {
		t.Fatal(err)
	}
	_, opening := db.ExecContext(t.Context(), "SELECT 1 FROM sqlite_schema")
	if err := explain(opening); err == nil || !strings.Contains(err.Error(), "give this user write access") {
		t.Errorf("%v", err)
	}
	if err := refused(opening); !errors.Is(err, broker.ErrRefused) || !strings.Contains(err.Error(), "write access") {
		t.Errorf("%v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	other := errors.New("other")
	if explain(nil) != nil || !errors.Is(explain(other), other) || code(other) != 0 || code(fmt.Errorf("open: %w", opening)) == 0 {
		t.Error("another error is explained")
	}
}

func TestADelayIsRoundedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Microsecond) // the clock is between two milliseconds
		now := time.Now()
		for delay, want := range map[time.Duration]time.Time{
			0: now.Add(time.Millisecond), -time.Hour: now.Add(time.Millisecond), time.Second: now.Add(time.Second + time.Millisecond),
		} {
			if got := dueAfter(delay); got != want.UnixMilli() {
				t.Errorf("after %v: due at %d, want %d", delay, got, want.UnixMilli())
			}
		}
	})
}

func TestADeliveryWaitsForTheRoomOfItsBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100)
		defer q.timer.Stop()
		if _, next := q.take(t.Context()); next != stepFetch {
			t.Fatal("a new queue does not fetch")
		}
		q.add([]lease{sized(1, 60), sized(2, 60), sized(3, 500), sized(4, 1)}, false, time.Hour)
		taken := make(chan lease, 4)
		for range 4 {
			go func() {
				d, _ := q.take(t.Context())
				taken <- d
			}()
		}
		for seq := range int64(4) {
			synctest.Wait()
			if len(taken) != 1 || q.runningBytes() == 0 {
				t.Fatalf("%d deliveries are in progress beside each other", len(taken))
			}
			d := <-taken
			if d.seq != seq+1 {
				t.Errorf("delivery %d came for %d", d.seq, seq+1)
			}
			q.release(d, false)
		}
		if q.runningBytes() != 0 {
			t.Errorf("%v bytes are in progress", q.runningBytes())
		}
	})
}

// sized returns a lease with a body of so many bytes.
func sized(seq int64, size int) lease {
	return lease{row: row{place: place{seq: seq}, event: event.Event{Data: make([]byte, size)}}}
}
