package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

const (
	// emptyTime is how long a reader waits for a message before it writes the first one, because an empty stream has no end to wait for.
	emptyTime = 250 * time.Millisecond
	// rereadPausesTime is the time until the stream is read again on the next session. After a failure it is rereadTime.
	rereadPausesTime = time.Second
)

// pauseChange is a message of the stream of pauses. One without a route changes nothing.
type pauseChange struct {
	Version int    `json:"version"` // 1
	Route   string `json:"route,omitempty"`
	Paused  bool   `json:"paused,omitempty"`
	By      string `json:"by,omitempty"`
	Why     string `json:"why,omitempty"`
	Since   int64  `json:"since,omitempty"` // unix ms
}

// pauseStream holds all pauses of routes and their ends, in a stream that is read from its first message: the last message of a route
// counts. Why a stream: docs/decisions/025-pauses-of-persons.md.
type pauseStream struct {
	conn      *connection // consumes
	publisher *serialPublisher
	gate      *pauseGate
	log       *zap.Logger
}

func newPauseStream(publish, consume *connection, log *zap.Logger) *pauseStream {
	return &pauseStream{conn: consume, publisher: newLedgerPublisher(publish), gate: newPauseGate(), log: log}
}

// Pause implements broker.Pauser.
func (b *Broker) Pause(ctx context.Context, route string, p broker.Pause) error {
	if err := p.Check(); err != nil {
		return fmt.Errorf("rabbitmq: pause %s: %w", route, err)
	}
	if !slices.ContainsFunc(b.routes, func(r broker.Route) bool { return r.Name == route && !r.External }) {
		return fmt.Errorf("rabbitmq: pause %s: %w", route, broker.ErrNotConsumed)
	}
	if p.Since.IsZero() {
		p.Since = time.Now()
	}
	return b.pauses.write(ctx, pauseChange{Route: route, Paused: true, By: p.By, Why: p.Why, Since: p.Since.UnixMilli()})
}

// Resume implements broker.Pauser.
func (b *Broker) Resume(ctx context.Context, route string, by broker.Pause) error {
	if err := by.Check(); err != nil {
		return fmt.Errorf("rabbitmq: resume %s: %w", route, err)
	}
	return b.pauses.write(ctx, pauseChange{Route: route, By: by.By, Why: by.Why, Since: time.Now().UnixMilli()})
}

// Pauses implements broker.Pauser. It reads all changes.
func (b *Broker) Pauses(ctx context.Context) (pauses map[string]broker.Pause, err error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	err = b.pauses.read(reading, func(found map[string]broker.Pause) {
		if pauses == nil {
			pauses = maps.Clone(found)
			stop()
		}
	})
	if pauses != nil {
		return pauses, nil
	}
	if missing(err) {
		return map[string]broker.Pause{}, nil // nobody has paused a route yet
	}
	return nil, fmt.Errorf("rabbitmq: pauses: %w", errors.Join(err, ctx.Err()))
}

// Paused implements broker.Health.
func (b *Broker) Paused() map[string]broker.Pause { return b.pauses.gate.get() }

// write adds a change to the stream.
func (p *pauseStream) write(ctx context.Context, c pauseChange) error {
	c.Version = 1
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	err = p.publisher.publish(ctx, &message{LedgerExchange, LedgerPause, amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: text,
	}})
	if missing(err) {
		return fmt.Errorf("rabbitmq: RabbitMQ lacks the stream %s: start a worker of this version, or run `hookline topology apply`, and repeat the command: %w", PauseStream, err)
	}
	if err != nil {
		return fmt.Errorf("rabbitmq: the pause cannot be written: %w", err)
	}
	return nil
}

// follow keeps the gate as the stream says, until ctx ends. Between two sessions the gate stays as it was. While nobody may read the stream,
// no route is paused.
func (p *pauseStream) follow(ctx context.Context) {
	defer p.gate.close()
	for failing := false; ctx.Err() == nil; {
		pause := rereadPausesTime
		err := p.read(ctx, p.gate.set)
		if err != nil && ctx.Err() == nil {
			if pause = rereadTime; !failing {
				p.log.Warn("cannot read the pauses of routes by persons, so they stay as they are known here; trying again. `hookline topology apply` makes a missing stream",
					zap.String("stream", PauseStream), zap.Error(err))
			}
			p.gate.open()
		}
		failing = err != nil
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// read reads the stream until the connection or ctx ends. It calls set with the pauses when it has read all messages that were there at the
// call, and then after each message.
func (p *pauseStream) read(ctx context.Context, set func(map[string]broker.Pause)) error {
	s, err := p.conn.await(ctx)
	if err != nil {
		return nil //nolint:nilerr // the connection logs it
	}
	end, err := p.end(ctx, s)
	if err != nil {
		return err
	}
	ch, deliveries, err := openStream(s, PauseStream, "first", readAhead)
	if err != nil {
		return err
	}
	defer func() { _ = ch.Close() }()
	pauses := map[string]broker.Pause{}
	for at := int64(-1); ; {
		if at >= end {
			set(pauses)
		}
		select {
		case <-ctx.Done():
			return nil
		case d, ok := <-deliveries:
			if !ok {
				return nil
			}
			if err := d.Ack(false); err != nil {
				return fmt.Errorf("read on in %s: %w", PauseStream, err)
			}
			at, _ = number(d.Headers["x-stream-offset"])
			p.fold(pauses, d.Body)
		}
	}
}

// fold applies a change.
func (p *pauseStream) fold(pauses map[string]broker.Pause, text []byte) {
	var c pauseChange
	if err := json.Unmarshal(text, &c); err != nil || c.Version != 1 {
		p.log.Warn("a change of a pause is unreadable, or of a newer Hookline, and left out", zap.ByteString("text", text[:min(len(text), broker.MaxPauseText)]), zap.Error(err))
		return
	}
	switch {
	case c.Route == "":
	case c.Paused:
		pauses[c.Route] = broker.Pause{By: c.By, Why: c.Why, Since: time.UnixMilli(c.Since).UTC()}
	default:
		delete(pauses, c.Route)
	}
}

// end returns an offset that the stream has reached at the call. It makes an empty stream begin, because only a message shows where a stream
// ends. It returns -1 if the stream is empty and cannot be written.
func (p *pauseStream) end(ctx context.Context, s *session) (int64, error) {
	ch, deliveries, err := openStream(s, PauseStream, "last", readAhead)
	if err != nil {
		return 0, err
	}
	defer func() { _ = ch.Close() }()
	begin := time.After(emptyTime)
	silence := time.After(maxSilence)
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return 0, errEnded
			}
			offset, _ := number(d.Headers["x-stream-offset"])
			return offset, nil
		case <-begin:
			writing, cancel := context.WithTimeout(ctx, maxSilence)
			err := p.write(writing, pauseChange{})
			if cancel(); err != nil {
				p.log.Debug("the stream of pauses cannot be begun", zap.Error(err))
			}
		case <-silence:
			return -1, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
