package journal_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

type discard struct{}

func (discard) Append(context.Context, journal.Batch) error { return nil }

// BenchmarkStored measures the cost of a record for its caller, a request to the receiver: the time, and the allocations of the collecting batch.
func BenchmarkStored(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	record := sampleStored(random)
	r := benchRecorder(b)
	b.ReportAllocs()
	for b.Loop() {
		r.Stored(record)
	}
}

// BenchmarkAttempt measures the cost of a record for a worker.
func BenchmarkAttempt(b *testing.B) {
	record := attempt(1)
	r := benchRecorder(b)
	b.ReportAllocs()
	for b.Loop() {
		r.Attempt(record)
	}
}

// BenchmarkStoredWithoutRoom measures the cost of a record while the journal is away.
func BenchmarkStoredWithoutRoom(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	record := sampleStored(random)
	r, err := journal.NewRecorder(journal.RecorderConfig{MaxBytes: 1}, discard{}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Stored(record)
	}
}

func benchRecorder(b *testing.B) *journal.Recorder {
	b.Helper()
	r, err := journal.NewRecorder(journal.RecorderConfig{MaxBytes: 1 << 40}, discard{}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	return r
}
