package rabbitmq

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker/ledger"
)

// lastSummary returns the book of the latest summary whose messages are all in the stream. Without one it returns an empty book, for
// which all notes are read.
func lastSummary(ctx context.Context, s *session) (*ledger.Book, error) {
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	n, err := admin.depth(SummaryStream)
	if err != nil || n == 0 {
		return ledger.NewBook(), err
	}
	var end, parts int64
	var book *ledger.Book
	err = readSummaries(ctx, s, "last", func(text []byte, offset int64) bool {
		end, parts = offset, ledger.Parts(text)
		book, _ = new(ledger.SummaryReader).Read(text) // an unreadable one is left out
		return true
	})
	if err != nil || book != nil {
		return book, err
	}
	for _, from := range []int64{max(0, end-2*parts), 0} { // at first near the end, for two writers at once
		var reader ledger.SummaryReader
		err := readSummaries(ctx, s, from, func(text []byte, offset int64) bool {
			if complete, err := reader.Read(text); err == nil && complete != nil {
				book = complete
			}
			return offset >= end
		})
		if err != nil || book != nil {
			return book, err
		}
	}
	return ledger.NewBook(), nil
}

// readSummaries calls read for each message of the summaries' stream from an offset, until read returns true.
func readSummaries(ctx context.Context, s *session, from any, read func(text []byte, offset int64) (enough bool)) error {
	ch, deliveries, err := openStream(s, SummaryStream, from, readAhead)
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return errEnded
			}
			if err := d.Ack(false); err != nil {
				return fmt.Errorf("read on in %s: %w", SummaryStream, err)
			}
			offset, _ := number(d.Headers["x-stream-offset"])
			if read(d.Body, offset) {
				return nil
			}
		case <-time.After(maxSilence):
			return errSilent
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writeSummary writes a summary, each message after the confirm of the one before.
func writeSummary(ctx context.Context, conn *connection, parts [][]byte) error {
	publisher := newLedgerPublisher(conn)
	defer publisher.close()
	for i, text := range parts {
		err := publisher.publish(ctx, &message{LedgerExchange, LedgerSummary, amqp.Publishing{
			ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: text,
		}})
		if err != nil {
			return fmt.Errorf("summary of the ledger, message %d of %d: %w", i+1, len(parts), err)
		}
	}
	return nil
}
