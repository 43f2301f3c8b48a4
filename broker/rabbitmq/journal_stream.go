package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

var _ broker.Stream = (*Broker)(nil)

const (
	// readJournal is how many batches RabbitMQ sends ahead of a reader.
	readJournal = 20
	// forbiddenTime is how long nothing is appended after RabbitMQ has refused it to this user, because RabbitMQ logs each refusal.
	forbiddenTime = time.Minute
)

var errJournalOff = errors.New("rabbitmq: the journal is off")

// journalStream appends to the stream of the journal. It has a connection and a declarer of its own: neither a slow stream nor a missing
// permission touches events.
type journalStream struct {
	conn      *connection
	publisher *serialPublisher

	mu        sync.Mutex
	forbidden error // this user may not append; nil: it may
	again     time.Time
}

// newJournalStream returns a stream that run connects. An attached broker declares nothing, and only reads.
func newJournalStream(cfg Config, declares bool, m *metrics, log *zap.Logger) *journalStream {
	log = log.Named("journal")
	var declared []object
	if declares {
		declared = objects(journalTopology())
		m.connected.WithLabelValues(journaling)
		m.reconnects.WithLabelValues(journaling)
	}
	conn := newConnection(journaling, cfg, newDeclarer(declared, m, log), m, log)
	return &journalStream{conn: conn, publisher: newLedgerPublisher(conn)}
}

// AppendStream implements broker.Stream. It waits for a connection until ctx ends.
func (b *Broker) AppendStream(ctx context.Context, batch []byte) error {
	if b.journal == nil {
		return errJournalOff
	}
	if err := b.journal.append(ctx, batch); err != nil {
		return fmt.Errorf("rabbitmq: append to %s: %w", JournalStream, err)
	}
	return nil
}

func (j *journalStream) append(ctx context.Context, batch []byte) error {
	if lacking := j.conn.declarer.lacking(); len(lacking) > 0 {
		return fmt.Errorf("%w: RabbitMQ lacks %s: run `hookline topology apply` as the operator, or turn the journal off", broker.ErrRefused, strings.Join(lacking, ", "))
	}
	if err := j.refused(); err != nil {
		return err
	}
	err := j.publisher.publish(ctx, &message{JournalExchange, "", amqp.Publishing{
		ContentType: "application/cbor", DeliveryMode: amqp.Persistent, Timestamp: time.Now(), Body: batch,
	}})
	if forbidden(err) {
		err = fmt.Errorf("%w; give this user the permission to write %s, or turn the journal off", err, JournalExchange)
	}
	j.note(err)
	return err
}

// refused returns the error of a refusal that was just now.
func (j *journalStream) refused() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if time.Now().Before(j.again) {
		return j.forbidden
	}
	return nil
}

// note remembers whether this user may append.
func (j *journalStream) note(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case forbidden(err):
		j.forbidden, j.again = err, time.Now().Add(forbiddenTime)
	case err == nil:
		j.forbidden = nil
	}
}

// lacking names the missing objects of the journal; a nil journalStream lacks nothing.
func (j *journalStream) lacking() []string {
	if j == nil {
		return nil
	}
	objects := j.conn.declarer.lacking()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.forbidden != nil {
		objects = append(objects, "the permission to write exchange "+JournalExchange)
	}
	return objects
}
