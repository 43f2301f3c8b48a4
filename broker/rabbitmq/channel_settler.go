package rabbitmq

import (
	"context"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"
)

// channelSettler settles the deliveries of one channel, and stores the messages that take their place.
type channelSettler struct {
	route     string
	ch        *amqp.Channel
	acks      *acknowledger
	publisher *publisher
	ledger    *ledgerWriter
	pause     *sync.RWMutex // locked while a consumer of the route is cancelled; see consumer.cancel
	log       *zap.Logger
}

// store publishes m within storeTime, also after the end of ctx: a stop waits for running handlers.
func (s *channelSettler) store(ctx context.Context, m message) error {
	s.pause.RLock()
	defer s.pause.RUnlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	return s.publisher.publish(ctx, &m)
}

// settle sends a settlement to RabbitMQ. A delivery whose settlement is lost comes again.
func (s *channelSettler) settle(send func() error) {
	s.pause.RLock()
	defer s.pause.RUnlock()
	if err := send(); err != nil {
		s.log.Info("the session ended before its deliveries were settled: they will come again", zap.Error(err))
	}
}
