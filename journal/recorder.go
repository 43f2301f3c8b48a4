package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

const (
	// DefaultMemory is the default of RecorderConfig.MaxBytes.
	DefaultMemory = 8 << 20
	// batchSize is the size in bytes at which a batch is handed on. The cost of a message on RabbitMQ is then shared by about 180 events.
	batchSize = 256 << 10
	// batchTime is how long the first record of a batch waits for others.
	batchTime = 500 * time.Millisecond
	// maxBody is the largest body of a record in bytes. So a batch stays below RabbitMQ's max_message_size.
	maxBody = 8 << 20
	// appendTime is the longest that one try to hand on a batch may take.
	appendTime = 10 * time.Second
	// The pause between two tries doubles each time.
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	// lastTime is how long the last records may take after the end of Run's context.
	lastTime = 2 * time.Second
)

// ErrRefused says that a sink will never take this batch: its records are dropped.
var ErrRefused = errors.New("the journal refused a batch")

// Sink takes the batches of a Recorder, one at a time and in their order. Append can get a batch again after an error; a sink recognizes it
// by Process and Number. The batch's slices and bodies are not changed later.
type Sink interface {
	Append(ctx context.Context, b Batch) error
}

// RecorderConfig configures a Recorder.
type RecorderConfig struct {
	// MaxBytes is the memory in bytes for records that wait, bodies included. 0 means DefaultMemory.
	MaxBytes int64
}

// Recorder collects the records of one process and hands them on in batches. Stored and Attempt never wait for the sink. While the sink takes
// nothing, records wait in memory; beyond the bound a record is kept without its body, and then it is dropped and counted.
// It is safe for concurrent use.
type Recorder struct {
	sink    Sink
	max     int64
	process string
	metrics *recorderMetrics
	log     *zap.Logger
	warn    *rate.Sometimes
	wake    chan struct{} // capacity 1: the oldest batch is new or full

	mu      sync.Mutex
	number  int64        // of the last batch
	batches []*collected // oldest first; records go to the last
	bytes   int64        // memory of all records, those on their way included
	lost    int64        // records dropped since the last batch
	ended   bool         // Run has ended: all further records are dropped
}

// collected is a batch that still waits.
type collected struct {
	stored   []Stored
	ended    []Attempt
	rejected []Rejected
	bytes    int64
	due      time.Time
}

func (c *collected) records() int64 { return int64(len(c.stored) + len(c.ended) + len(c.rejected)) }

// NewRecorder returns a recorder, which needs Run. It returns an error if reg has its metrics already.
func NewRecorder(cfg RecorderConfig, sink Sink, reg prometheus.Registerer, log *zap.Logger) (*Recorder, error) {
	r := &Recorder{
		sink: sink, max: cfg.MaxBytes, process: rand.Text()[:12], log: log,
		warn: &rate.Sometimes{First: 1, Interval: time.Minute}, wake: make(chan struct{}, 1),
	}
	if r.max <= 0 {
		r.max = DefaultMemory
	}
	var err error
	if r.metrics, err = newRecorderMetrics(reg, r.waiting); err != nil {
		return nil, fmt.Errorf("journal: metrics: %w", err)
	}
	return r, nil
}

// Stored records a stored event. The event's body is not copied, and must not change.
func (r *Recorder) Stored(s Stored) {
	body, rest := int64(cap(s.Event.Data)), storedSize(&s)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(s.Event.Data) > maxBody || r.bytes+rest+body > r.max {
		s.Omitted, s.Event.Data, body = int64(len(s.Event.Data)), nil, 0
	}
	if c := r.collect(rest + body); c != nil {
		c.stored = append(c.stored, s)
		r.metrics.stored.Inc()
	}
}

// Attempt records an attempt that ended.
func (r *Recorder) Attempt(a Attempt) {
	size := attemptSize(&a)
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.collect(size); c != nil {
		c.ended = append(c.ended, a)
		r.metrics.ended.Inc()
	}
}

// collect returns the batch for a record of a size, or nil if there is no room.
func (r *Recorder) collect(size int64) *collected {
	if r.ended || r.bytes+size > r.max {
		r.lost++
		r.metrics.dropped.Inc()
		return nil
	}
	r.bytes += size
	if n := len(r.batches); n > 0 && r.batches[n-1].bytes+size <= batchSize {
		r.batches[n-1].bytes += size
		return r.batches[n-1]
	}
	c := &collected{bytes: size, due: time.Now().Add(batchTime)}
	r.batches = append(r.batches, c) // which makes the one before it due
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return c
}

// Run hands on batches until ctx ends. Then it hands on the remaining records, for up to 2 seconds and until the first failure. The rest is
// dropped and logged.
func (r *Recorder) Run(ctx context.Context) {
	sending, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastTime, end) })()
	due := time.NewTimer(0)
	defer due.Stop()
	for ctx.Err() == nil {
		due.Reset(r.untilDue())
		select {
		case <-r.wake:
		case <-due.C:
			r.handOn(ctx, sending)
		case <-ctx.Done():
		}
	}
	for r.handOn(ctx, sending) {
	}
	if n := r.end(); n > 0 {
		r.log.Warn("stopped before the journal took the last records: it lacks them", zap.Int64("records", n))
	}
}

// untilDue returns how long the oldest batch can wait.
func (r *Recorder) untilDue() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.batches) > 1:
		return 0
	case len(r.batches) == 1:
		return time.Until(r.batches[0].due)
	}
	return time.Hour
}

// handOn hands on the oldest batch. It returns true if there was one and the sink took or refused it.
func (r *Recorder) handOn(ctx, sending context.Context) bool {
	c, b, ok := r.next()
	if !ok {
		return false
	}
	err := r.append(ctx, sending, b)
	switch {
	case err == nil:
		r.metrics.batches.Inc()
	case errors.Is(err, ErrRefused):
		r.warn.Do(func() {
			r.log.Warn("the journal refused records, and lacks them", zap.Int64("records", c.records()), zap.Error(err))
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes -= c.bytes
	if err != nil {
		r.lost += b.Lost + c.records()
		r.metrics.dropped.Add(float64(c.records()))
	}
	return err == nil || errors.Is(err, ErrRefused) && c.records() > 0
}

// next takes the oldest batch. At the end of Run, a batch without records tells the number of dropped ones.
func (r *Recorder) next() (c *collected, b Batch, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.batches) == 0 && r.lost == 0 {
		return nil, Batch{}, false
	}
	c = &collected{}
	if len(r.batches) > 0 {
		c, r.batches = r.batches[0], r.batches[1:]
	}
	r.number++
	b = Batch{Process: r.process, Number: r.number, Lost: r.lost, Stored: c.stored, Ended: c.ended, Rejected: c.rejected}
	r.lost = 0
	return c, b, true
}

// append tries to hand on a batch until the sink takes or refuses it, or until the end of ctx and one more try.
func (r *Recorder) append(ctx, sending context.Context, b Batch) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, maxPause, 2
	for failing := false; ; failing = true {
		err := r.appendOnce(sending, b)
		switch {
		case err == nil:
			if failing {
				r.log.Info("the journal takes records again")
			}
			return nil
		case errors.Is(err, ErrRefused) || ctx.Err() != nil:
			return err
		case !failing:
			r.warn.Do(func() {
				r.log.Warn("the journal takes no records now: they wait in memory, and are dropped where there is no room; trying again", zap.Error(err))
			})
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

func (r *Recorder) appendOnce(sending context.Context, b Batch) error {
	ctx, cancel := context.WithTimeout(sending, appendTime)
	defer cancel()
	defer prometheus.NewTimer(r.metrics.seconds).ObserveDuration()
	return r.sink.Append(ctx, b)
}

// end drops all records from now on, and returns how many the sink did not take.
func (r *Recorder) end() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.batches {
		r.lost += c.records()
		r.metrics.dropped.Add(float64(c.records()))
	}
	r.batches, r.bytes, r.ended = nil, 0, true
	return r.lost
}

// waiting returns the memory in bytes of the records that the sink has not taken.
func (r *Recorder) waiting() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return float64(r.bytes)
}
