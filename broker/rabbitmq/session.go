package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// maxStall is how long a session lives on without confirms while publishes wait for them. After a network partition
	// RabbitMQ can leave a channel without confirms for ever (rabbitmq-server pull request 14589).
	maxStall = 5 * time.Second
	// maxRefusing is how long a session lives on after its first negative confirm or returned message. A full queue notifies
	// channels when it has room again. But if its length limit is removed first, RabbitMQ 3.10 never notifies the channels of
	// the refused messages. The next session also declares missing queues and exchanges.
	maxRefusing = 15 * time.Second
	// watchInterval is the time between two checks for both.
	watchInterval = time.Second
)

// Why this side ended a session.
var (
	errStalled  = errors.New("the broker confirmed nothing for " + maxStall.String())
	errRefusing = errors.New("the broker refused events " + maxRefusing.String() + " ago, because a queue is full or missing; a new session tries again")
)

// session is one AMQP connection and, if it publishes, the channel that all publishes share. RabbitMQ closes a channel over one message;
// then the session opens another.
type session struct {
	conn    *amqp.Connection
	address string
	over    chan struct{} // closed after the session's end, when its connection has dropped it

	live     atomic.Pointer[confirmChannel] // nil on a session that only consumes, or that appends to the journal: these open their own
	blocked  atomic.Bool
	confirms watchdog
	refusing atomic.Int64 // unix nanoseconds of the first negative confirm or returned message; 0: none yet
	refused  refusedMessages
}

func newSession() *session { return &session{over: make(chan struct{})} }

// openLive opens the channel that all publishes share.
func (s *session) openLive() error {
	c, err := openConfirmChannel(s)
	if err == nil {
		s.live.Store(c)
	}
	return err
}

// serve watches the session until it ends, and returns the reason; nil when ctx has ended.
func (s *session) serve(ctx context.Context) error {
	closed := s.conn.NotifyClose(make(chan *amqp.Error, 1))
	var channelClosed <-chan *amqp.Error
	if live := s.live.Load(); live != nil {
		channelClosed = live.closed
	}
	blocked := s.conn.NotifyBlocked(make(chan amqp.Blocking, 8))
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case err := <-closed:
			return ended("connection", err)
		case err := <-channelClosed:
			if !s.replaceLive(err) {
				return ended("channel", err)
			}
			channelClosed = s.live.Load().closed
		case b, ok := <-blocked:
			if !ok {
				blocked = nil
				continue
			}
			s.blocked.Store(b.Active)
			s.confirms.quiet = 0
		case now := <-tick.C:
			if !s.blocked.Load() && s.confirms.stalled() {
				return errStalled
			}
			if first := s.refusing.Load(); first > 0 && now.UnixNano()-first > int64(maxRefusing) {
				return errRefusing
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// replaceLive opens another channel after RabbitMQ has closed the live one over a message, and reports whether it has. A missing exchange
// needs another session, which declares it.
func (s *session) replaceLive(cause *amqp.Error) bool {
	if cause == nil || cause.Code == amqp.NotFound || refusal(cause) == nil {
		return false
	}
	old := s.live.Load()
	if s.openLive() != nil {
		return false
	}
	old.end(cause)
	return true
}

// end ends the live channel after the session. err is the reason why the session ended.
func (s *session) end(err error) {
	if live := s.live.Load(); live != nil {
		var cause *amqp.Error
		_ = errors.As(err, &cause)
		live.end(cause)
	}
	close(s.over)
}

// drain waits up to a second for the confirms of published messages. Messages without a confirm are published again.
func (s *session) drain() {
	for end := time.Now().Add(closeTime); s.confirms.pending() && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
}

// ended returns the error of a connection or channel that was closed.
func ended(closed string, err *amqp.Error) error {
	if err == nil { // closed in the regular way
		return fmt.Errorf("%s: %w", closed, amqp.ErrClosed)
	}
	return fmt.Errorf("%s: %w", closed, err)
}
