package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// maxStall is how long confirms may be missing before the session is given up. After a network partition a
	// broker can leave a channel without confirms for ever (rabbitmq-server pull request 14589).
	maxStall = 5 * time.Second
	// maxRefusing is how long a session goes on after the broker's first no. A queue that was full tells channels when
	// it has room again; if its limit is taken away before that, RabbitMQ 3.10 never tells those that it has refused.
	// And what is missing is declared by the next session.
	maxRefusing = 15 * time.Second
	// watchInterval is how often that is looked at.
	watchInterval = time.Second
)

// Why a session was ended from this side.
var (
	errStalled  = errors.New("the broker confirmed nothing for " + maxStall.String())
	errRefusing = errors.New("the broker refused events " + maxRefusing.String() + " ago, as where a queue is full or missing; a new session asks again")
)

// session is one connection with, if it publishes, its one channel.
type session struct {
	conn    *amqp.Connection
	address string
	over    chan struct{} // closed after the session's end, when it is no longer the connection's current one

	ch       *amqp.Channel // nil on a session that consumes: there each route opens its own
	blocked  atomic.Bool
	progress watchdog
	refusing atomic.Int64 // unix nanoseconds of the first negative confirm or returned message; 0: none yet

	mu      sync.Mutex
	returns chan amqp.Return
	back    map[identity]int // messages returned by the broker
}

func newSession() *session { return &session{over: make(chan struct{}), back: map[identity]int{}} }

// openPublishing opens the channel that all publishers share.
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

// serve watches the session until it ends, and says why it did; nil when ctx has ended.
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
			s.progress.quiet = 0
		case now := <-tick.C:
			if !s.blocked.Load() && s.progress.stalled() {
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

// drain waits, a second at most, for the answers to what was published: what has none yet will be published again.
func (s *session) drain() {
	for end := time.Now().Add(closeTime); s.progress.waits() && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
}

func ended(what string, err *amqp.Error) error {
	if err == nil { // closed without a reason
		return fmt.Errorf("%s: %w", what, amqp.ErrClosed)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// wasReturned tells whether the broker returned the message and forgets it. The broker sends a return before the
// confirm of the same message, so after the confirm it is among the returns if it ever will be.
func (s *session) wasReturned(m identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		select {
		case r, ok := <-s.returns:
			if ok {
				s.back[identity{r.Exchange, r.RoutingKey, r.MessageId}]++
				continue
			}
		default:
		}
		break
	}
	if s.back[m] == 0 {
		return false
	}
	if s.back[m]--; s.back[m] == 0 {
		delete(s.back, m)
	}
	return true
}

// watchdog notices that publishes wait and no answer comes. Publishers only count, and one goroutine looks; what waits at
// each of its looks, while nothing is answered between them, has waited all the time.
type watchdog struct {
	sent, answered atomic.Int64 // messages

	seen  int64 // of the answered, at the last look
	quiet int   // looks one after the other that found something waiting, and nothing answered since the one before
}

// waits tells whether something has no answer yet. It may be something that is answered at this moment.
func (w *watchdog) waits() bool {
	answered := w.answered.Load()
	return w.sent.Load() > answered
}

// stalled looks, which has to be each watchInterval.
func (w *watchdog) stalled() bool {
	w.quiet++
	if answered := w.answered.Load(); answered != w.seen || !w.waits() {
		w.seen, w.quiet = answered, 0
	}
	return w.quiet > int(maxStall/watchInterval)
}
