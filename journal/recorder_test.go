package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// sink takes batches, unless fail returns an error.
type sink struct {
	mu      sync.Mutex
	batches []journal.Batch
	tries   int
	inside  int
	fail    func(ctx context.Context, b journal.Batch) error
}

func (s *sink) Append(ctx context.Context, b journal.Batch) error {
	s.mu.Lock()
	s.tries++
	s.inside++
	fail, inside := s.fail, s.inside
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.inside--; s.mu.Unlock() }()
	if inside > 1 {
		panic("two batches on their way")
	}
	if fail != nil {
		if err := fail(ctx, b); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, b)
	return nil
}

func (s *sink) setFail(fail func(context.Context, journal.Batch) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// taken returns the batches so far.
func (s *sink) taken() []journal.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

func count(batches []journal.Batch) (stored, ended int, lost int64) {
	for _, b := range batches {
		stored, ended, lost = stored+len(b.Stored), ended+len(b.Ended), lost+b.Lost
	}
	return stored, ended, lost
}

// run starts a recorder in a bubble of package synctest, whose clock stands still while anything runs.
func run(t *testing.T, s journal.Sink, max int64) (r *journal.Recorder, reg *prometheus.Registry, logs *observer.ObservedLogs, stop func()) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	reg = prometheus.NewRegistry()
	r, err := journal.NewRecorder(journal.RecorderConfig{MaxBytes: max}, s, reg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	return r, reg, logs, func() { cancel(); <-done }
}

func stored(id int, body int) journal.Stored {
	return journal.Stored{Event: event.Event{ID: fmt.Sprint(id), Source: "alma", Action: "job_end", Data: make([]byte, body)}}
}

func attempt(id int) journal.Attempt {
	return journal.Attempt{Key: journal.Key{Source: "alma", Action: "job_end", ID: fmt.Sprint(id)}, Route: "r", Number: 1, Outcome: journal.Done}
}

func TestRecordsWaitHalfASecondForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r, _, _, stop := run(t, &s, 0)
		defer stop()
		r.Stored(stored(1, 100))
		<-time.After(400 * time.Millisecond)
		r.Attempt(attempt(1))
		synctest.Wait()
		if n := len(s.taken()); n != 0 {
			t.Fatalf("%d batches after 400 ms", n)
		}
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		r.Stored(stored(2, 100))
		<-time.After(time.Second)
		synctest.Wait()
		b := s.taken()
		if len(b) != 2 || len(b[0].Stored) != 1 || len(b[0].Ended) != 1 || b[0].Stored[0].Event.ID != "1" || len(b[1].Stored) != 1 {
			t.Fatalf("batches: %+v", b)
		}
		if b[0].Process == "" || b[0].Process != b[1].Process || b[0].Number != 1 || b[1].Number != 2 {
			t.Fatalf("batches %s-%d and %s-%d", b[0].Process, b[0].Number, b[1].Process, b[1].Number)
		}
	})
}

func TestAFullBatchIsHandedOnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r, _, _, stop := run(t, &s, 0)
		defer stop()
		for i := range 400 { // of more than 1,256 bytes
			r.Stored(stored(i, 1000))
		}
		synctest.Wait()
		b := s.taken()
		if len(b) != 1 || len(b[0].Stored) < 180 || len(b[0].Stored) > 210 {
			t.Fatalf("%d batches at once, of 400 records of 1 kB", len(b))
		}
		<-time.After(500 * time.Millisecond)
		synctest.Wait()
		var ids []string
		for _, b := range s.taken() {
			for _, r := range b.Stored {
				ids = append(ids, r.Event.ID)
			}
		}
		for i, id := range ids {
			if id != fmt.Sprint(i) {
				t.Fatalf("record %d is event %s", i, id)
			}
		}
		if len(ids) != 400 {
			t.Fatalf("%d records of 400", len(ids))
		}
	})
}

func TestRecordsBeyondTheMemoryAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sink{fail: func(context.Context, journal.Batch) error { return errors.New("away") }}
		r, reg, logs, stop := run(t, &s, 1<<20)
		defer stop()
		for i := range 10_000 {
			r.Stored(stored(i, 1000))
			r.Attempt(attempt(i))
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if bytes := metric(t, reg, "hookline_journal_waiting_bytes"); bytes > 1<<20 || bytes < 1<<20-2000 {
			t.Errorf("%v bytes of 1 MiB are used", bytes)
		}
		if n := logs.FilterLevelExact(zapcore.WarnLevel).Len(); n != 1 {
			t.Errorf("%d warnings: %v", n, logs.All())
		}
		s.setFail(nil)
		<-time.After(10 * time.Second)
		synctest.Wait()
		r.Attempt(attempt(10_000)) // brings the number of the lost ones
		<-time.After(time.Second)
		synctest.Wait()
		stored, ended, lost := count(s.taken())
		if int64(stored+ended)+lost != 20_001 || stored < 600 || lost < 15_000 {
			t.Errorf("%d stored, %d ended, %d lost", stored, ended, lost)
		}
		if n := metric(t, reg, "hookline_journal_records_dropped_total"); n != float64(lost) {
			t.Errorf("%v dropped, %d lost", n, lost)
		}
		if n := logs.FilterMessage("the journal takes records again").Len(); n != 1 {
			t.Errorf("%d lines about the end of it", n)
		}
		if bytes := metric(t, reg, "hookline_journal_waiting_bytes"); bytes != 0 {
			t.Errorf("%v bytes wait", bytes)
		}
	})
}

func TestABodyWithoutRoomIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r, _, _, stop := run(t, &s, 64<<20)
		r.Stored(stored(1, 8<<20))
		r.Stored(stored(2, 8<<20+1))
		stop()
		r.Stored(stored(3, 1)) // after the end
		small, _, _, stop := run(t, &s, 1<<20)
		small.Stored(stored(4, 1<<20))
		small.Stored(stored(5, 1000))
		stop()
		var found []string
		for _, b := range s.taken() {
			for _, r := range b.Stored {
				found = append(found, fmt.Sprint(r.Event.ID, ":", len(r.Event.Data), "-", r.Omitted))
			}
		}
		if want := []string{"1:8388608-0", "2:0-8388609", "4:0-1048576", "5:1000-0"}; !slices.Equal(found, want) {
			t.Errorf("records %v, want %v", found, want)
		}
	})
}

func TestARefusedBatchIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sink{fail: func(_ context.Context, b journal.Batch) error {
			if len(b.Stored) > 0 && b.Stored[0].Event.ID == "1" {
				return fmt.Errorf("sink: %w", journal.ErrRefused)
			}
			return nil
		}}
		r, _, logs, stop := run(t, &s, 0)
		defer stop()
		r.Stored(stored(1, 10))
		<-time.After(time.Second)
		r.Stored(stored(2, 10))
		<-time.After(time.Second)
		synctest.Wait()
		if stored, _, lost := count(s.taken()); stored != 1 || lost != 1 || s.tries != 2 || logs.Len() != 1 {
			t.Errorf("%d stored, %d lost, %d tries, log %v", stored, lost, s.tries, logs.All())
		}
	})
}

func TestTheEndHandsOnTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s sink
		r, _, logs, stop := run(t, &s, 0)
		for i := range 1000 {
			r.Stored(stored(i, 1000))
		}
		stop()
		if stored, _, _ := count(s.taken()); stored != 1000 || logs.Len() != 0 {
			t.Errorf("%d records of 1000; log %v", stored, logs.All())
		}
	})
}

func TestTheEndWaitsShortlyForASinkThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sink{fail: func(ctx context.Context, _ journal.Batch) error { <-ctx.Done(); return ctx.Err() }}
		r, reg, logs, stop := run(t, &s, 0)
		for i := range 1000 {
			r.Stored(stored(i, 1000))
		}
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took != 2*time.Second { // of the bubble's clock
			t.Errorf("stopped after %s", took)
		}
		if n := metric(t, reg, "hookline_journal_records_dropped_total"); n != 1000 || logs.FilterMessageSnippet("stopped before").Len() != 1 {
			t.Errorf("%v of 1000 dropped; log %v", n, logs.All())
		}
	})
}

func TestABatchIsTriedAgainUnchanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		s := sink{}
		s.fail = func(ctx context.Context, b journal.Batch) error {
			seen = append(seen, fmt.Sprint(b.Number, ":", len(b.Stored)))
			switch len(seen) {
			case 1:
				return errors.New("away")
			case 2:
				<-ctx.Done() // 10 seconds
				return ctx.Err()
			}
			return nil
		}
		r, _, _, stop := run(t, &s, 0)
		r.Stored(stored(1, 10))
		<-time.After(time.Second)
		r.Stored(stored(2, 10))
		<-time.After(time.Minute)
		stop()
		if want := []string{"1:1", "1:1", "1:1", "2:1"}; !slices.Equal(seen, want) {
			t.Errorf("batches %v, want %v", seen, want)
		}
	})
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	var s sink
	r, _, _, stop := run(t, &s, 1<<30)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := range 1000 {
				r.Stored(stored(i, 100))
				r.Attempt(attempt(i))
			}
		})
	}
	callers.Wait()
	stop()
	if stored, ended, lost := count(s.taken()); stored != 8000 || ended != 8000 || lost != 0 {
		t.Errorf("%d stored, %d ended, %d lost", stored, ended, lost)
	}
}

func TestASecondRecorderNeedsItsOwnMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	for i := range 2 {
		_, err := journal.NewRecorder(journal.RecorderConfig{}, &sink{}, reg, zap.NewNop())
		if (err != nil) != (i == 1) {
			t.Errorf("recorder %d: %v", i, err)
		}
	}
}

func metric(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
