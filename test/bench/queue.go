package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/test/bench/stamp"
)

// watched is a queue that is read over one connection, so that the reads cost RabbitMQ little.
type watched struct {
	conn *amqp.Connection
	ch   *amqp.Channel
	name string
}

func (p *sandbox) watch(queue string) (*watched, error) {
	conn, err := amqp.Dial(p.url)
	if err != nil {
		return nil, err
	}
	ch, err := conn.Channel()
	return &watched{conn, ch, queue}, err
}

func (w *watched) close() { _ = w.conn.Close() }

// waiting returns the number of ready events.
func (w *watched) waiting() (int, error) {
	q, err := w.ch.QueueDeclarePassive(w.name, true, false, false, false, nil)
	return q.Messages, err
}

// below waits until at most limit events are ready.
func (w *watched) below(ctx context.Context, limit int) error {
	return within(ctx, 10*time.Minute, 20*time.Millisecond, func(context.Context) error {
		n, err := w.waiting()
		if err == nil && n > limit {
			err = fmt.Errorf("%d events wait in %s", n, w.name)
		}
		return err
	})
}

// written waits until a folder has a whole file for each stored event, or stops growing for a while.
func written(ctx context.Context, folder string, stored uint64) (missing int) {
	_ = eventually(ctx, 20*time.Millisecond, func(context.Context) error {
		entries, err := os.ReadDir(folder)
		whole := 0
		for _, entry := range entries {
			if filepath.Base(entry.Name())[0] != '.' {
				whole++
			}
		}
		if missing = int(stored) - whole; err == nil && missing > 0 {
			err = fmt.Errorf("%d files are missing", missing)
		}
		return err
	})
	return missing
}

// stamped waits until a file has a record for each stored event, and returns the records.
func stamped(ctx context.Context, file string, stored uint64) (records []stamp.Record, err error) {
	err = within(ctx, patience, 20*time.Millisecond, func(context.Context) error {
		if records, err = stamp.Read(file); err == nil && uint64(len(records)) < stored {
			err = fmt.Errorf("%d of %d events were handled", len(records), stored)
		}
		return err
	})
	return records, err
}

// settle compares the numbers of accepted events in a load's file, one a line, with the records.
func settle(accepted string, records []stamp.Record) (lost, repeated int, err error) {
	text, err := os.ReadFile(accepted)
	if err != nil {
		return 0, 0, err
	}
	times := map[uint64]int{}
	for _, record := range records {
		times[record.Number]++
	}
	for line := range strings.Lines(string(text)) {
		var number uint64
		if _, err := fmt.Sscan(line, &number); err != nil {
			return 0, 0, err
		}
		switch n := times[number]; n {
		case 0:
			lost++
		default:
			repeated += n - 1
		}
	}
	return lost, repeated, nil
}
