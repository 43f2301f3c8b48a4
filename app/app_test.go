package app

import (
	"crypto/tls"
	"path/filepath"
	"slices"
	"testing"
	"time"

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

// TestTheBrokerGetsItsWholeConfiguration has each key of broker that a person can write. Without TLS a broker of a private authority is not
// reached, or one is trusted that should not be.
func TestTheBrokerGetsItsWholeConfiguration(t *testing.T) {
	t.Parallel()
	c := config.Defaults()
	c.Data, c.Duplicates, c.Broker.MaxBytes = "folder", time.Minute, 1<<20
	c.Routes = config.Routes{{}, {}}
	c.Routes[0].Name, c.Routes[1].Name, c.Routes[1].External = "one", "theirs", true
	if got := embeddedConfig(&c); got.Path != filepath.Join("folder", "line.db") || got.MaxBytes != 1<<20 || got.Duplicates != time.Minute || len(got.Routes) != 2 {
		t.Errorf("embedded: %+v", got)
	}
	c.Broker.URL, c.Broker.TLS, c.Broker.Management = []string{"amqps://a/", "amqps://b/"}, &tls.Config{ServerName: "rabbit.example"}, "http://u:p@a:15672"
	got := rabbitMQ(&c)
	if !slices.Equal(got.URLs, c.Broker.URL) || got.TLS != c.Broker.TLS || got.Management != "http://u:p@a:15672" || len(got.Routes) != 2 || got.Routes[1].Name != "theirs" {
		t.Errorf("RabbitMQ: %+v", got)
	}
	if NextStep(&c, broker.ErrDown) == "" {
		t.Error("RabbitMQ: an error that leads nowhere")
	}
	c.Broker.URL = config.Defaults().Broker.URL
	if step := NextStep(&c, broker.ErrDown); step != "" {
		t.Errorf("embedded: %q, though its own errors name the step", step)
	}
}
