package app

import (
	"testing"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// A body that the broker can never store is refused as too large: a 503 would ask the sender to repeat it for ever.
func TestBodiesAreAsLargeAsTheBrokerTakes(t *testing.T) {
	t.Parallel()
	c := config.Defaults()
	if got := receiverConfig(&c, nil, nil).MaxBody; got != 0 {
		t.Errorf("embedded: %d, want no bound", got)
	}
	c.Broker.URL = []string{"amqp://host/"}
	if got := receiverConfig(&c, nil, nil).MaxBody; got != broker.MaxBody {
		t.Errorf("RabbitMQ: %d, want %d", got, broker.MaxBody)
	}
}
