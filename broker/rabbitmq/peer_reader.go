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

// typeAccepted is the AMQP type of ledger messages with notes of stored events, so that receivers need not decode the others.
const typeAccepted = "accepted"

// rereadTime is the time between two tries to read the ledger. Each try begins that long before the last read message, because
// RabbitMQ's clock may differ.
const rereadTime = 10 * time.Second

// peerReader reads the notes of the other processes in the ledger, a tenth of a second after they were written: events that they have stored, for
// all or for some of their routes, and their bindings. It reads those of this receiver from before its start, too.
type peerReader struct {
	conn     *connection
	recent   *broker.RecentEvents
	partly   *partlyStored
	bindings *peerBindings
	process  string // this process: its notes are skipped
	log      *zap.Logger
}

// run reads the ledger from window ago until ctx ends. Publishes do not wait for it: a repeat of an event that it has not read yet
// is stored again.
func (p *peerReader) run(ctx context.Context, window time.Duration) {
	from := time.Now().Add(-window)
	for failing := false; ctx.Err() == nil; {
		err := p.read(ctx, &from)
		if err != nil && !failing && ctx.Err() == nil {
			p.log.Warn("cannot read the events of other receivers in the ledger: repeats of these events are stored again here; trying again", zap.Error(err))
		}
		failing = err != nil
		select {
		case <-time.After(rereadTime):
		case <-ctx.Done():
		}
	}
}

// read reads the ledger from a time until the connection or ctx ends, and moves the time forward. It is not an offset,
// because the stream may be replaced by another one.
func (p *peerReader) read(ctx context.Context, from *time.Time) error {
	s, err := p.conn.await(ctx)
	if err != nil {
		return nil //nolint:nilerr // the connection logs it
	}
	ch, deliveries, err := openStream(s, LedgerStream, *from, readAhead)
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	for unacked := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				return nil
			}
			*from = time.Now().Add(-rereadTime) // here and not at the end: it can take long to detect a dead connection
			if unacked++; unacked >= readAhead/2 {
				unacked = 0
				if err := d.Ack(true); err != nil {
					return fmt.Errorf("read on in %s: %w", LedgerStream, err)
				}
			}
			p.remember(d)
		}
	}
}

// remember adds the stored events and the bindings of a ledger message.
func (p *peerReader) remember(d amqp.Delivery) {
	if d.Type != typeAccepted && d.Type != typeBindings || strings.HasPrefix(d.MessageId, p.process+"-") {
		return
	}
	notes, err := ledger.Decode(d.Body)
	if err != nil {
		return // of a foreign publisher
	}
	p.bindings.fold(notes)
	for _, note := range notes.Notes {
		if note.Kind != ledger.Accepted && note.Kind != ledger.Partly {
			continue
		}
		at := time.UnixMilli(cmp.Or(note.Taken, notes.Time))
		for _, id := range note.IDs {
			fingerprint := broker.FingerprintOf(event.Event{Source: note.Source, Action: note.Action, ID: id})
			if note.Kind == ledger.Accepted || p.partly.set(fingerprint, at, note.Routes, note.Lacking) {
				p.recent.Add(fingerprint, at)
			}
		}
	}
}
