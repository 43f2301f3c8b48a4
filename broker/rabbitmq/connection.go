package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/hookline/hookline/broker"
)

const (
	firstPause = 50 * time.Millisecond // before a new session; it doubles each time, with jitter
	maxPause   = time.Second
	// stableAfter is how long a session has to live before the pauses begin again with the first.
	stableAfter = 3 * time.Second
	// bindTime is how long a new session waits before it publishes. RabbitMQ 4.0 stores a binding before the exchange uses it.
	// Between the two, a second process that declares the same binding already gets its answer.
	bindTime = 200 * time.Millisecond
)

var (
	errClosed     = errors.New("the broker was closed")
	errConnecting = errors.New("not connected yet")
)

// connection keeps this process connected to RabbitMQ, with one session after the other and at most one at a time.
type connection struct {
	role     string // publishing, consuming or journaling
	dialer   *dialer
	declarer *declarer
	metrics  *metrics
	log      *zap.Logger
	giveUp   time.Duration // Config.GiveUp

	mu      sync.Mutex
	current *session      // nil while disconnected
	cause   error         // of the disconnection
	lost    time.Time     // start of the disconnection; newConnection counts as one
	refused int           // tries since then that were refused at once, without another result between them
	changed chan struct{} // closed and replaced whenever current changes
	closed  bool
}

func newConnection(role string, cfg Config, d *declarer, m *metrics, log *zap.Logger) *connection {
	return &connection{
		role: role, dialer: newDialer(cfg, role), declarer: d, metrics: m,
		log: log.With(zap.String("connection", role)), giveUp: cfg.GiveUp,
		cause: errConnecting, lost: time.Now(), changed: make(chan struct{}),
	}
}

// run opens sessions until ctx ends.
func (c *connection) run(ctx context.Context) {
	pauses := newPauses()
	pauses.Reset()
	first := 1 + len(c.dialer.urls) // the reason why the session ended, and the error of each node
	loss := limitLog(first)
	for reconnect := false; ctx.Err() == nil; {
		s, err := c.open(ctx)
		if err == nil {
			if reconnect {
				c.metrics.reconnects.WithLabelValues(c.role).Inc()
			}
			reconnect = true
			began := time.Now()
			c.log.Info("connected to RabbitMQ", zap.String("address", s.address))
			err = c.use(ctx, s)
			if time.Since(began) > stableAfter {
				pauses.Reset()
				loss = limitLog(first)
			}
		}
		if ctx.Err() != nil {
			break
		}
		pause := min(pauses.NextBackOff(), maxPause)
		c.set(nil, err)
		loss.Do(func() {
			c.log.Warn("no connection to RabbitMQ; trying again", zap.Error(err), zap.Duration("in", pause))
		})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.set(nil, errClosed)
}

// newPauses returns the pauses between tries to open a session or a consumer.
func newPauses() *backoff.ExponentialBackOff {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, maxPause, 2
	return pauses
}

// limitLog limits a log line: first times, then once a minute.
func limitLog(first int) *rate.Sometimes {
	return &rate.Sometimes{First: first, Interval: time.Minute}
}

// open opens the next session: connection, topology, channel.
func (c *connection) open(ctx context.Context) (*session, error) {
	s := newSession()
	conn, address, err := c.dialer.dial(ctx, func(conn *amqp.Connection) error {
		if err := c.declarer.declare(conn); err != nil {
			return err
		}
		if c.role == consuming {
			// Nothing is published here, and without a frame size amqp091-go gets the memory of a whole body at once. Otherwise it enlarges
			// it step by step, which takes five times the memory of a large body in garbage.
			conn.Config.FrameSize = 0
			return nil
		}
		select {
		case <-time.After(bindTime):
		case <-ctx.Done(): // which closes the connection
		}
		s.conn = conn
		if c.role == journaling {
			return nil
		}
		return s.openLive()
	})
	s.conn, s.address = conn, address
	return s, err
}

// declare declares the topology again on a session, after a queue or an exchange was deleted.
func (c *connection) declare(s *session) error { return c.declarer.declare(s.conn) }

// use makes s the current session until it ends, and returns the reason.
func (c *connection) use(ctx context.Context, s *session) error {
	c.set(s, nil)
	var restoring sync.WaitGroup
	if c.role != publishing { // RabbitMQ reads from a connection that consumes also during a memory or disk alarm
		restoring.Go(func() { c.declarer.restoreUntilOver(s) })
	}
	err := s.serve(ctx)
	if err == nil {
		err = errClosed
	}
	err = fmt.Errorf("%s: %w", s.address, err)
	c.set(nil, err)
	if errors.Is(err, errRefusing) {
		s.drain()
	}
	closeConnection(s.conn)
	s.end(err)
	restoring.Wait()
	return err
}

// set replaces the current session. A nil session comes with the cause of the disconnection.
func (c *connection) set(s *session, cause error) {
	up := 0.0
	if s != nil {
		up = 1
	}
	c.metrics.connected.WithLabelValues(c.role).Set(up)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && s == nil {
		c.lost = time.Now()
	}
	c.current, c.cause = s, cause
	if c.refused++; !isRefusedConnection(cause) {
		c.refused = 0
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// now returns the current session, or nil and the time of the disconnection.
func (c *connection) now() (s *session, lost time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.lost
}

// isRefused reports whether every node has refused connections at once, for as long as Config.GiveUp. Call it with the lock held.
func (c *connection) isRefused() bool {
	return c.giveUp > 0 && c.refused >= len(c.dialer.urls) && time.Since(c.lost) >= c.giveUp
}

// await returns the current session, or waits for the next one. Its error wraps broker.ErrDown.
func (c *connection) await(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		s, cause, changed, closed, refused := c.current, c.cause, c.changed, c.closed, c.isRefused()
		c.mu.Unlock()
		switch {
		case s != nil:
			return s, nil
		case closed:
			return nil, fmt.Errorf("%w: %w", broker.ErrDown, errClosed)
		case refused:
			return nil, fmt.Errorf("%w: %w", broker.ErrDown, cause)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", broker.ErrDown, cause)
		}
	}
}

// ready returns nil if events can be published now, else the reason.
func (c *connection) ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.current == nil:
		return fmt.Errorf("%w: %w", broker.ErrDown, c.cause)
	case c.current.blocked.Load():
		return fmt.Errorf("%s: %w", c.current.address, broker.ErrBlocked)
	}
	return nil
}
