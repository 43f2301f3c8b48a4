package app

import (
	"testing"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/receiver"
)

// What the line can never store is refused as too large: 503 would ask the sender to come again for ever.
func TestBodiesAreAsLargeAsTheLineTakes(t *testing.T) {
	t.Parallel()
	github, _ := receiver.Preset("github")
	c := &config.Config{Sources: map[string]config.Source{"github": {Preset: "github", Source: github}}}
	if got := receiverConfig(c, nil, nil).Sources["github"].MaxBody; got != github.MaxBody {
		t.Errorf("embedded: %d, want %d", got, github.MaxBody)
	}
	c.Broker.URLs = []string{"amqp://host/"}
	if got := receiverConfig(c, nil, nil).Sources["github"].MaxBody; got != broker.MaxBody {
		t.Errorf("RabbitMQ: %d, want %d", got, broker.MaxBody)
	}
}
