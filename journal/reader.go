package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// Stream is the stream that StreamSinks fill. ReadStream calls fn for each batch behind an offset until ctx ends, or until fn returns an
// error, which it returns. If batches before this one are missing, missed says why; the offsets may then begin again.
type Stream interface {
	ReadStream(ctx context.Context, after int64, fn func(offset int64, batch []byte, missed string) error) error
}

// Place is where a Reader keeps batches, with their offsets: a Store.
type Place interface {
	// Offset returns the offset of the last batch, and false if there is none.
	Offset(ctx context.Context) (offset int64, ok bool, err error)
	// AppendAt stores a batch and its offset. It ignores a batch that it has.
	AppendAt(ctx context.Context, offset int64, b Batch) error
	// Missed notes that batches before offset are missing, and takes batches from offset on.
	Missed(ctx context.Context, offset int64, why string) error
}

// Reader reads the batches of all processes from a stream into a place.
type Reader struct {
	stream Stream
	place  Place
	codec  *Codec
	log    *zap.Logger
	skip   *rate.Sometimes

	mu      sync.Mutex
	newest  time.Time // time of the newest record of the last batch
	arrived time.Time // when it was stored; zero: it is not stored yet
}

// errPlace marks errors of the place.
var errPlace = errors.New("the journal cannot keep records of the stream")

// NewReader returns a reader, which needs Run. It returns an error if reg has its metrics already.
func NewReader(stream Stream, place Place, reg prometheus.Registerer, log *zap.Logger) (*Reader, error) {
	codec, err := NewCodec()
	if err != nil {
		return nil, err
	}
	r := &Reader{stream: stream, place: place, codec: codec, log: log, skip: &rate.Sometimes{First: 1, Interval: time.Minute}}
	if err := reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hookline_journal_reader_lag_seconds",
		Help: "Age of the newest record of the latest batch when the journal had stored it; it grows while that fails.",
	}, func() float64 { return r.lag().Seconds() })); err != nil {
		return nil, fmt.Errorf("journal: metrics: %w", err)
	}
	return r, nil
}

// Run reads until ctx ends, and then returns nil. It tries again after an error of the place or the stream. It returns an error
// that wraps ErrVersion at a batch of a newer version, because a person has to upgrade this program first; the batch is read then.
func (r *Reader) Run(ctx context.Context) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, maxPause, 2
	for failing := false; ; failing = true {
		err := r.read(ctx, func() {
			if failing {
				r.log.Info("the journal keeps the records of the stream again")
			}
			failing = false
			pauses.Reset()
		})
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is no failure
		case errors.Is(err, ErrVersion):
			return fmt.Errorf("read the journal's stream: %w", err)
		case !failing:
			r.log.Warn("the journal misses records until this is solved; trying again", zap.Error(err))
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// read reads behind the place's offset, and calls stored after each batch.
func (r *Reader) read(ctx context.Context, stored func()) error {
	after, ok, err := r.place.Offset(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errPlace, err)
	}
	if !ok {
		after = -1
	}
	err = r.stream.ReadStream(ctx, after, func(offset int64, data []byte, missed string) error {
		if err := r.take(ctx, offset, data, missed); err != nil {
			return err
		}
		stored()
		return nil
	})
	if err == nil && ctx.Err() == nil {
		err = errors.New("the stream ended")
	}
	return err
}

// take stores a batch. It skips one that is none, of a foreign publisher.
func (r *Reader) take(ctx context.Context, offset int64, data []byte, missed string) error {
	b, err := r.codec.Decode(data)
	if errors.Is(err, ErrVersion) {
		return err
	}
	if missed != "" {
		r.log.Warn("records are missing in the journal", zap.String("because", missed), zap.Int64("offset", offset))
		if err := r.place.Missed(ctx, offset, missed); err != nil {
			return fmt.Errorf("%w: %w", errPlace, err)
		}
	}
	if err != nil {
		r.skip.Do(func() {
			r.log.Warn("the journal's stream has a message that is no batch of records; it is skipped", zap.Int64("offset", offset), zap.Error(err))
		})
		return nil //nolint:nilerr // logged
	}
	r.note(newest(b), time.Time{})
	if err := r.place.AppendAt(ctx, offset, b); err != nil {
		return fmt.Errorf("%w: %w", errPlace, err)
	}
	r.note(newest(b), time.Now())
	return nil
}

func (r *Reader) note(newest, arrived time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.newest, r.arrived = newest, arrived
}

// lag returns how old records are when they are stored. Clocks of other machines may run ahead.
func (r *Reader) lag() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.newest.IsZero():
		return 0
	case r.arrived.IsZero():
		return max(0, time.Since(r.newest))
	}
	return max(0, r.arrived.Sub(r.newest))
}

// newest returns the time of the newest record of a batch; zero without one.
func newest(b Batch) (t time.Time) {
	for i := range b.Stored {
		if at := b.Stored[i].Event.Time; at.After(t) {
			t = at
		}
	}
	for i := range b.Ended {
		if at := b.Ended[i].Start.Add(b.Ended[i].Duration); at.After(t) {
			t = at
		}
	}
	return t
}
