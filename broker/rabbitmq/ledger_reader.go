package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker/ledger"
)

const (
	// readAhead is how many messages of the ledger RabbitMQ sends before it waits for an acknowledgement; the reader
	// acknowledges half of them at a time.
	readAhead = 500
	// maxSilence is how long to wait for a message that is known to be in the ledger.
	maxSilence = 5 * time.Second
)

var (
	// errReplaced says that the book was made of another stream than the ledger's.
	errReplaced = errors.New("the ledger's stream was deleted and declared again")
	// errTrimmed says that the stream has dropped the messages behind the book's last one.
	errTrimmed = errors.New("the ledger's stream begins later than the book ends")
	// errEnded and errSilent do not say whether the stream was replaced.
	errEnded  = errors.New("the connection was lost while the ledger was read, or its stream was deleted")
	errSilent = errors.New("no message of the ledger has come for " + maxSilence.String())
)

// ledgerReader folds the messages of the ledger's stream into a book.
type ledgerReader struct {
	book       *ledger.Book
	ch         *amqp.Channel
	deliveries <-chan amqp.Delivery
	resumed    bool // the next message has to be the last one of the book
	first      bool // the next message has to be the first one of the stream
	live       bool // the next message was written just now
	unacked    int
}

// newLedgerReader starts to read where the book ends.
func newLedgerReader(s *session, book *ledger.Book) (*ledgerReader, error) {
	r := &ledgerReader{book: book}
	var offset any = "first"
	if at := book.Position(); at.Offset >= 0 {
		offset, r.resumed = at.Offset, true
	} else {
		r.first = true
	}
	var err error
	r.ch, r.deliveries, err = openStream(s, LedgerStream, offset, readAhead)
	return r, err
}

// openStream reads a stream from an offset, on a channel of its own. RabbitMQ sends ahead messages, and then waits for an acknowledgement.
func openStream(s *session, name string, offset any, ahead int) (*amqp.Channel, <-chan amqp.Delivery, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, nil, fmt.Errorf("open channel: %w", err)
	}
	if err = ch.Qos(ahead, 0, false); err == nil {
		var deliveries <-chan amqp.Delivery
		if deliveries, err = ch.Consume(name, "", false, false, false, false, amqp.Table{"x-stream-offset": offset}); err == nil {
			return ch, deliveries, nil
		}
	}
	_ = ch.Close()
	return nil, nil, fmt.Errorf("read %s: %w", name, err)
}

// catchUp reads until the book has a message of a process that is known to be in the stream.
func (r *ledgerReader) catchUp(ctx context.Context, process string, number int64) error {
	silence := time.NewTimer(maxSilence)
	defer silence.Stop()
	for !r.book.Has(process, number) {
		select {
		case d, ok := <-r.deliveries:
			if !ok {
				return errEnded
			}
			if err := r.fold(d); err != nil {
				return err
			}
			silence.Reset(maxSilence)
		case <-silence.C:
			return errSilent
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.live = true
	return nil
}

func (r *ledgerReader) fold(d amqp.Delivery) error {
	if r.unacked++; r.unacked >= readAhead/2 {
		r.unacked = 0
		if err := d.Ack(true); err != nil {
			return err
		}
	}
	offset, _ := number(d.Headers["x-stream-offset"])
	notes, err := ledger.Decode(d.Body)
	at := ledger.Position{Offset: offset, Process: notes.Process, Number: notes.Number}
	if r.first && offset > 0 && !r.book.BeganAnew() {
		r.book.BeginAnew(ledger.ReasonTrimmed)
	}
	switch {
	case r.resumed && offset > r.book.Position().Offset:
		return errTrimmed
	case r.resumed && at != r.book.Position():
		return errReplaced
	case errors.Is(err, ledger.ErrNewer):
		r.book.Skip(offset)
	case !r.resumed && err == nil: // a message of a foreign publisher has no notes
		r.book.Fold(notes, offset, r.seen(time.UnixMilli(notes.Time)))
	}
	r.resumed, r.first = false, false
	return nil
}

// seen returns when a message was written. It corrects the writer's clock where it can.
func (r *ledgerReader) seen(written time.Time) time.Time {
	if now := time.Now(); r.live || written.After(now) {
		return now
	}
	return written
}

func (r *ledgerReader) close() {
	if r.ch != nil {
		_ = r.ch.Close()
	}
}
