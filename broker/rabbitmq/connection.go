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
	firstPause = 50 * time.Millisecond // before a new session, doubled each time, with jitter
	maxPause   = time.Second
	// settled is how long a session has to live before the pauses begin anew with the first.
	settled = 3 * time.Second
	// bindTime is how long a session that publishes waits for bindings to be in force. RabbitMQ 4.0 stores a binding first
	// and what its exchange matches then: whoever binds second, another process, is told in between that it is there.
	bindTime = 200 * time.Millisecond
)

var (
	errClosed     = errors.New("the line is closed")
	errConnecting = errors.New("not connected yet")
)

// connection keeps one connection to RabbitMQ: one session after the other, at most one at a time.
type connection struct {
	role     string
	dialer   *dialer
	declarer *declarer
	metrics  *metrics
	log      *zap.Logger

	mu      sync.Mutex
	current *session      // nil: none
	cause   error         // why there is none
	lost    time.Time     // since when there is none; the start counts as a loss
	changed chan struct{} // closed and replaced whenever current changes
	closed  bool
}

func newConnection(role string, cfg Config, d *declarer, m *metrics, log *zap.Logger) *connection {
	return &connection{
		role: role, dialer: newDialer(cfg, role), declarer: d, metrics: m,
		log:   log.With(zap.String("connection", role)),
		cause: errConnecting, lost: time.Now(), changed: make(chan struct{}),
	}
}

// run makes sessions until ctx ends.
func (l *connection) run(ctx context.Context) {
	pauses := newPauses()
	pauses.Reset()
	most := 1 + len(l.dialer.urls) // why the session ended, and what each node says
	loss := seldom(most)
	for first := true; ctx.Err() == nil; {
		s, err := l.open(ctx)
		if err == nil {
			if !first {
				l.metrics.reconnects.WithLabelValues(l.role).Inc()
			}
			first = false
			began := time.Now()
			l.log.Info("connected to RabbitMQ", zap.String("address", s.address))
			err = l.use(ctx, s)
			if time.Since(began) > settled {
				pauses.Reset()
				loss = seldom(most)
			}
		}
		if ctx.Err() != nil {
			break
		}
		pause := min(pauses.NextBackOff(), maxPause)
		l.set(nil, err)
		loss.Do(func() {
			l.log.Warn("no connection to RabbitMQ; trying again", zap.Error(err), zap.Duration("in", pause))
		})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.set(nil, errClosed)
}

// newPauses are those between tries to have a session, or a consumer.
func newPauses() *backoff.ExponentialBackOff {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, maxPause, 2
	return pauses
}

// seldom lets something be logged a few times, and then once a minute.
func seldom(first int) *rate.Sometimes {
	return &rate.Sometimes{First: first, Interval: time.Minute}
}

// open makes the next session: connection, topology, channel.
func (l *connection) open(ctx context.Context) (*session, error) {
	s := newSession()
	conn, at, err := l.dialer.dial(ctx, func(conn *amqp.Connection) error {
		if err := l.declarer.declare(conn); err != nil {
			return err
		}
		if l.role == consuming {
			return nil
		}
		select {
		case <-time.After(bindTime):
		case <-ctx.Done(): // which ends the connection
		}
		return s.openPublishing(conn)
	})
	s.conn, s.address = conn, at
	return s, err
}

// use makes s the current session until it ends, and says why it did.
func (l *connection) use(ctx context.Context, s *session) error {
	l.set(s, nil)
	var keeping sync.WaitGroup
	if l.role == consuming { // RabbitMQ answers it also while it takes no events
		keeping.Go(func() { l.declarer.keep(s) })
	}
	err := s.serve(ctx)
	if err == nil {
		err = errClosed
	}
	err = fmt.Errorf("%s: %w", s.address, err)
	l.set(nil, err)
	if errors.Is(err, errRefusing) {
		s.drain()
	}
	closeConnection(s.conn)
	close(s.over)
	keeping.Wait()
	return err
}

func (l *connection) set(s *session, cause error) {
	up := 0.0
	if s != nil {
		up = 1
	}
	l.metrics.connected.WithLabelValues(l.role).Set(up)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil && s == nil {
		l.lost = time.Now()
	}
	l.current, l.cause = s, cause
	close(l.changed)
	l.changed = make(chan struct{})
}

// now is the current session, or nil and since when there is none.
func (l *connection) now() (s *session, lost time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current, l.lost
}

// await returns the current session, or the next one if there is none. Its error wraps broker.ErrDown.
func (l *connection) await(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		s, cause, changed, closed := l.current, l.cause, l.changed, l.closed
		l.mu.Unlock()
		switch {
		case s != nil:
			return s, nil
		case closed:
			return nil, fmt.Errorf("%w: %w", broker.ErrDown, errClosed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", broker.ErrDown, cause)
		}
	}
}

// ready tells why nothing can be published at the moment.
func (l *connection) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.current == nil:
		return fmt.Errorf("%w: %w", broker.ErrDown, l.cause)
	case l.current.blocked.Load():
		return fmt.Errorf("%s: %w", l.current.address, broker.ErrBlocked)
	}
	return nil
}
