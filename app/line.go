package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/rabbitmq"
)

// Desk is what a person does with a line: look at queues, decide about what it keeps.
type Desk interface {
	broker.Inspector
	broker.DeadLetters
	broker.Unrouted
	broker.Auditor
	Close(ctx context.Context) error
}

// line is what a running process needs of either implementation.
type line interface {
	Desk
	broker.Publisher
	broker.Consumer
	broker.Counter
	// AuditTurn tells whether it is this process that audits now: of all that share the line, one is enough.
	AuditTurn(ctx context.Context) (bool, error)
	// EmitTurn tells whether it is this process that emits scheduled events now: of all that share the line, one does.
	EmitTurn(ctx context.Context) (bool, error)
	// Ready returns nil when an event can be stored now.
	Ready() error
	// Lacking names what the line lacks and somebody else has to make.
	Lacking() []string
}

// openLine opens the line of a process that receives, or does not.
func openLine(c *config.Config, receives bool, log *zap.Logger, reg prometheus.Registerer) (line, error) {
	log = log.Named("line")
	if c.Broker.Embedded() {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fmt.Errorf("data: %w (it is where events are kept: choose a folder that can be written)", err)
		}
		return embedded.Open(embeddedConfig(c), reg, log)
	}
	rabbit, err := rabbitMQ(c)
	if err != nil {
		return nil, err
	}
	if receives {
		rabbit.Duplicates = c.Duplicates
		if rabbit.Spool, err = spoolName(c); err != nil {
			log.Warn("the spool has no name, so that an audit does not tell what is in it", zap.Error(err))
		}
	}
	return rabbitmq.Open(rabbit, reg, log)
}

// OpenDesk opens the line for a command, beside whatever runs on it, and makes nothing that is missing. Close it.
func OpenDesk(c *config.Config) (Desk, error) {
	if c.Broker.Embedded() {
		attached, err := embedded.Attach(embeddedConfig(c))
		if err != nil {
			return nil, err
		}
		return attachedDesk{attached}, nil
	}
	rabbit, err := rabbitMQ(c)
	if err != nil {
		return nil, err
	}
	return rabbitmq.Attach(rabbit)
}

// attachedDesk gives the attached file the line's way to close.
type attachedDesk struct{ *embedded.Attached }

// Close implements Desk.
func (d attachedDesk) Close(context.Context) error { return d.Attached.Close() }

func embeddedConfig(c *config.Config) embedded.Config {
	return embedded.Config{Path: filepath.Join(c.Data, "line.db"), Routes: lineRoutes(c.Routes), MaxBytes: c.Broker.MaxBytes, Duplicates: c.Duplicates}
}

// rabbitMQ is the configuration of the line on RabbitMQ.
func rabbitMQ(c *config.Config) (rabbitmq.Config, error) {
	tls, err := c.Broker.TLS()
	if err != nil {
		return rabbitmq.Config{}, err
	}
	return rabbitmq.Config{URLs: c.Broker.URLs, TLS: tls, Routes: lineRoutes(c.Routes)}, nil
}
