package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
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

// session is one AMQP connection and, if it publishes, its one channel.
type session struct {
	conn    *amqp.Connection
	address string
	over    chan struct{} // closed after the session's end, when its connection has dropped it

	ch       *amqp.Channel // nil on a session that consumes: there each consumer opens its own
	blocked  atomic.Bool
	confirms watchdog
	refusing atomic.Int64 // unix nanoseconds of the first negative confirm or returned message; 0: none yet

	mu       sync.Mutex
	returns  chan amqp.Return
	returned map[messageKey]int // messages that RabbitMQ returned, until their confirm comes
}

func newSession() *session {
	return &session{over: make(chan struct{}), returned: map[messageKey]int{}}
}

// openPublishing opens the channel that all publishes share.
func (s *session) openPublishing(conn *amqp.Connection) error {
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	if err := ch.Confirm(false); err != nil {
		return fmt.Errorf("confirm mode: %w", err)
	}
	s.ch = ch
	s.returns = ch.NotifyReturn(make(chan amqp.Return, maxInFlight))
	return nil
}

// serve watches the session until it ends, and returns the reason; nil when ctx has ended.
func (s *session) serve(ctx context.Context) error {
	closed := s.conn.NotifyClose(make(chan *amqp.Error, 1))
	channelClosed := make(chan *amqp.Error, 1)
	if s.ch != nil {
		channelClosed = s.ch.NotifyClose(channelClosed)
	}
	blocked := s.conn.NotifyBlocked(make(chan amqp.Blocking, 8))
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case err := <-closed:
			return ended("connection", err)
		case err := <-channelClosed:
			return ended("channel", err)
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

// send publishes m. After an error the session is ending.
func (s *session) send(m *message) (*amqp.DeferredConfirmation, error) {
	s.confirms.sent.Add(1)
	confirm, err := s.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.Publishing)
	if err != nil {
		s.confirms.answered.Add(1)
	}
	return confirm, err
}

// answer returns the result of a message whose confirm is done: nil, errLost or broker.ErrRefused.
func (s *session) answer(confirm *amqp.DeferredConfirmation, m messageKey) error {
	s.confirms.answered.Add(1)
	returned := s.wasReturned(m)
	switch {
	case confirm.Acked() && !returned:
		return nil
	case !confirm.Acked() && s.ch.IsClosed(): // amqp091-go resolves lost confirms as negative ones
		return errLost
	}
	s.refusing.CompareAndSwap(0, time.Now().UnixNano())
	if returned {
		return fmt.Errorf("%s: %w: no queue is bound to %s for %s", s.address, broker.ErrRefused, m.exchange, m.routingKey)
	}
	return fmt.Errorf("%s: %w: negative confirm; a queue may have reached its length limit", s.address, broker.ErrRefused)
}

// wasReturned reports whether RabbitMQ returned the message, and removes the return. Callers wait for the confirm first, because RabbitMQ
// sends the return of a message before its confirm.
func (s *session) wasReturned(m messageKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		select {
		case r, ok := <-s.returns:
			if ok {
				s.returned[messageKey{r.Exchange, r.RoutingKey, r.MessageId}]++
				continue
			}
		default:
		}
		break
	}
	if s.returned[m] == 0 {
		return false
	}
	if s.returned[m]--; s.returned[m] == 0 {
		delete(s.returned, m)
	}
	return true
}

// watchdog detects that publishes wait and no confirm comes. Publishers only count, and one goroutine checks. If publishes wait
// at every check, and none is answered between the checks, then one publish has waited all the time.
type watchdog struct {
	sent, answered atomic.Int64 // messages

	seen  int64 // answered at the last check
	quiet int   // consecutive checks that found waiting publishes and no new answer
}

// pending reports whether a publish waits for its confirm. The confirm may come at this moment.
func (w *watchdog) pending() bool {
	answered := w.answered.Load()
	return w.sent.Load() > answered
}

// stalled checks for confirms, and reports whether none has come for maxStall. It has to be called each watchInterval.
func (w *watchdog) stalled() bool {
	w.quiet++
	if answered := w.answered.Load(); answered != w.seen || !w.pending() {
		w.seen, w.quiet = answered, 0
	}
	return w.quiet > int(maxStall/watchInterval)
}
