package rabbitmq

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

// typeAccepted is the AMQP type of a message of the ledger that notes accepted events, so that a receiver passes over all
// others unread.
const typeAccepted = "accepted"

// relearn is the time between two tries to read the ledger. Each begins so long before the last message that was read, since
// RabbitMQ goes by its own clock.
const relearn = 10 * time.Second

// peerDuplicates remembers the events that other receivers have stored, and this one before it was started: the ledger says so,
// a tenth of a second later.
type peerDuplicates struct {
	conn    *connection
	recent  *broker.Recent
	process string // our own, whose notes say nothing new
	log     *zap.Logger
}

// run reads the ledger from so long ago on until ctx ends. Repeats that it does not learn of are new work, so nobody waits
// for it.
func (l *peerDuplicates) run(ctx context.Context, window time.Duration) {
	from := time.Now().Add(-window)
	for said := false; ctx.Err() == nil; {
		err := l.read(ctx, &from)
		if err != nil && !said && ctx.Err() == nil {
			l.log.Warn("cannot read in the ledger what other receivers have stored: repeats that they took first are new work here; trying again", zap.Error(err))
		}
		said = err != nil
		select {
		case <-time.After(relearn):
		case <-ctx.Done():
		}
	}
}

// read remembers what the ledger says from a time on, which moves with it, until the connection or ctx ends. It is no
// offset, as the stream may be another one the next time.
func (l *peerDuplicates) read(ctx context.Context, from *time.Time) error {
	s, err := l.conn.await(ctx)
	if err != nil {
		return nil //nolint:nilerr // the connection says it
	}
	ch, deliveries, err := openStream(s, LedgerStream, *from)
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	for unsettled := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				return nil
			}
			*from = time.Now().Add(-relearn) // not when the end is noticed: a connection can be dead for long
			if unsettled++; unsettled >= readAhead/2 {
				unsettled = 0
				if err := d.Ack(true); err != nil {
					return fmt.Errorf("read on in %s: %w", LedgerStream, err)
				}
			}
			l.learn(d)
		}
	}
}

func (l *peerDuplicates) learn(d amqp.Delivery) {
	if d.Type != typeAccepted || strings.HasPrefix(d.MessageId, l.process+"-") {
		return
	}
	notes, err := ledger.Decode(d.Body)
	if err != nil {
		return // somebody else's
	}
	for _, note := range notes.Notes {
		if note.Kind != ledger.Accepted {
			continue
		}
		at := time.UnixMilli(cmp.Or(note.Taken, notes.Time))
		for _, id := range note.IDs {
			l.recent.Add(broker.MarkOf(event.Event{Source: note.Source, Action: note.Action, ID: id}), at)
		}
	}
}
