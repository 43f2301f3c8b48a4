package rabbitmq

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// refusal returns the error of a message over which RabbitMQ closed its channel, and nil if RabbitMQ closed it for another reason. It wraps
// broker.ErrRejected if RabbitMQ refuses this one message, and only broker.ErrRefused if it refuses all messages of an exchange.
func refusal(cause *amqp.Error) error {
	switch {
	case cause == nil:
		return nil
	case sizeLimit(cause) > 0:
		return fmt.Errorf("%w: %w; raise max_message_size in rabbitmq.conf, or lower max_body of the source", broker.ErrTooLarge, cause)
	case cause.Code == amqp.PreconditionFailed, isTopicRefused(cause):
		return fmt.Errorf("%w: %w", broker.ErrRejected, cause)
	case cause.Code == amqp.AccessRefused, cause.Code == amqp.NotFound, cause.Code == amqp.FrameError:
		return fmt.Errorf("%w: %w", broker.ErrRefused, cause)
	}
	return nil
}

// isTopicRefused reports whether this user may not publish with the message's routing key. Without permission for the exchange RabbitMQ
// does not name a topic.
func isTopicRefused(cause *amqp.Error) bool {
	return cause.Code == amqp.AccessRefused && strings.Contains(cause.Reason, "topic '")
}

// sizeLimit returns the limit that a message exceeds, in bytes, and 0 for another cause: "message size 2000010 is larger than configured max
// size 1048576". RabbitMQ tells the limit only in this text.
func sizeLimit(cause *amqp.Error) int64 {
	_, size, found := strings.Cut(cause.Reason, "max size ")
	if cause.Code != amqp.PreconditionFailed || !found {
		return 0
	}
	limit, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return 0
	}
	return limit
}

// maxRefusedKeys bounds refusedMessages. The keys beyond it are published like all others, at the cost of a channel for each.
const maxRefusedKeys = 1000

// refusedMessages remembers the messages over which RabbitMQ closed a channel of a session, so that the next ones like them close no
// channel of other messages.
type refusedMessages struct {
	maxBody atomic.Int64 // RabbitMQ's max_message_size in bytes; 0: unknown
	count   atomic.Int64 // of keys

	mu   sync.Mutex
	keys map[[2]string]struct{} // exchange and routing key of messages that were refused
}

// suspects reports whether m has to be published alone. It returns broker.ErrTooLarge if m is larger than RabbitMQ takes.
func (r *refusedMessages) suspects(m *message) (bool, error) {
	if limit := r.maxBody.Load(); limit > 0 && int64(len(m.Body)) > limit {
		return false, fmt.Errorf("%w: %d bytes are more than RabbitMQ's max_message_size of %d", broker.ErrTooLarge, len(m.Body), limit)
	}
	if r.count.Load() == 0 {
		return false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.keys[[2]string{m.exchange, m.key}]
	return ok, nil
}

// add remembers m, over which RabbitMQ closed a channel.
func (r *refusedMessages) add(m *message, cause *amqp.Error) {
	if limit := sizeLimit(cause); limit > 0 {
		r.maxBody.Store(limit)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) >= maxRefusedKeys {
		return
	}
	if r.keys == nil {
		r.keys = map[[2]string]struct{}{}
	}
	r.keys[[2]string{m.exchange, m.key}] = struct{}{}
	r.count.Store(int64(len(r.keys)))
}

// remove forgets the key of m, which RabbitMQ has stored.
func (r *refusedMessages) remove(m *message) {
	if r.count.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, [2]string{m.exchange, m.key})
	r.count.Store(int64(len(r.keys)))
}
