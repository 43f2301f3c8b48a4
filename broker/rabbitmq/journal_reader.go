package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"
)

// journalReader reads the stream of the journal, on a channel of the connection that consumes.
type journalReader struct {
	conn    *connection
	journal *journalStream
	fn      func(offset int64, batch []byte, missed string) error
	last    int64  // offset of the last batch; -1: none
	missed  string // why batches before the next one are missing
	pauses  *backoff.ExponentialBackOff
	failed  error // of fn
}

// ReadStream implements broker.Stream. While this user may not read the stream, or it is missing, ReadStream tries again.
func (b *Broker) ReadStream(ctx context.Context, after int64, fn func(offset int64, batch []byte, missed string) error) error {
	if b.journal == nil {
		return errJournalOff
	}
	r := &journalReader{conn: b.consume, journal: b.journal, fn: fn, last: after, pauses: newPauses()}
	r.pauses.MaxInterval = rereadTime
	for failing := false; ctx.Err() == nil; {
		err := r.read(ctx)
		switch {
		case r.failed != nil:
			return r.failed
		case errors.Is(err, errClosed):
			return fmt.Errorf("rabbitmq: read %s: %w", JournalStream, err)
		case err != nil && !failing && ctx.Err() == nil:
			b.log.Warn("cannot read the journal's stream; trying again", zap.Error(err))
		}
		failing = err != nil
		if err != nil {
			pause(ctx, r.pauses.NextBackOff())
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// read reads on until the connection, the stream or ctx ends. It returns nil if the next read has to follow at once.
func (r *journalReader) read(ctx context.Context) error {
	s, err := r.conn.await(ctx)
	if err != nil {
		return err
	}
	var from any = "first"
	if r.last >= 0 {
		from = r.last // it comes again, if this stream has it
	}
	ch, deliveries, err := openStream(s, JournalStream, from, readJournal)
	if missing(err) {
		return errors.Join(err, r.journal.conn.declarer.declare(s.conn))
	}
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	silence := time.NewTimer(maxSilence)
	defer silence.Stop()
	for first := true; ; {
		select {
		case d, ok := <-deliveries:
			if !ok { // the connection or the stream ended
				return nil
			}
			if r.failed = r.take(d, first); r.failed != nil {
				return r.failed
			}
			first = false
			r.pauses.Reset()
			if err := d.Ack(false); err != nil {
				return fmt.Errorf("read on in %s: %w", JournalStream, err)
			}
		case <-silence.C:
			if first && r.last >= 0 {
				if another, err := r.isAnother(ctx, s); err != nil || another {
					return err
				}
				silence.Reset(maxSilence)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// take gives a batch to fn. The first one after a pause is the last one before it, if the stream still has that: RabbitMQ uses offsets for
// itself, so the next offset alone tells nothing.
func (r *journalReader) take(d amqp.Delivery, first bool) error {
	offset, _ := number(d.Headers["x-stream-offset"])
	if first && offset == r.last {
		return nil
	}
	if first && r.last >= 0 {
		r.missed = "they had left RabbitMQ's stream before they were read"
	}
	if err := r.fn(offset, d.Body, r.missed); err != nil {
		return err
	}
	r.last, r.missed = offset, ""
	return nil
}

// isAnother reports whether the stream ends before the last batch that was read, because it was deleted and declared again. Then reading
// begins with the first batch. RabbitMQ itself answers nothing to an offset behind the end.
func (r *journalReader) isAnother(ctx context.Context, s *session) (bool, error) {
	ch, deliveries, err := openStream(s, JournalStream, "last", readJournal)
	if err != nil {
		return false, err
	}
	defer func() { _ = ch.Close() }()
	silence := time.NewTimer(maxSilence)
	defer silence.Stop()
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return false, nil
			}
			if offset, _ := number(d.Headers["x-stream-offset"]); offset >= r.last {
				return false, nil
			}
			if err := d.Ack(false); err != nil {
				return false, fmt.Errorf("read on in %s: %w", JournalStream, err)
			}
		case <-silence.C:
			r.last, r.missed = -1, "RabbitMQ's stream was deleted"
			return true, nil
		case <-ctx.Done():
			return false, nil
		}
	}
}
