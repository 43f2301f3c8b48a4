package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/broker/spool"
)

// Operator is the part of a broker that a person uses: look at queues, audit, decide about undelivered events, erase events, pause routes, and give events to routes again.
type Operator interface {
	broker.Inspector
	broker.Undelivered
	broker.Eraser
	broker.Pauser
	broker.Redeliverer
	broker.Auditor
	broker.LeftOvers
	// Ready returns nil, or the reason why the broker takes no events now: broker.ErrDown or broker.ErrBlocked.
	Ready() error
	Close(ctx context.Context) error
}

// openBroker opens the broker of a process. receives tells whether the process has a receiver, and routes is the number of routes that it
// consumes.
func openBroker(c *config.Config, receives bool, routes int, log *zap.Logger, reg prometheus.Registerer) (broker.Broker, error) {
	log = log.Named("broker")
	if c.Broker.Embedded() {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fmt.Errorf("data: %w; events are stored in this folder: choose one that this user can write", err)
		}
		cfg := embeddedConfig(c)
		cfg.RouteBytes = routeBytes(routes)
		if _, err := os.Stat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
			log.Info("a new, empty database is made: if events were stored before, they are in another data folder", zap.String("file", filepath.Join(c.DataFolder(), "line.db")))
		}
		return embedded.Open(cfg, reg, log)
	}
	rabbit := rabbitMQ(c)
	rabbit.RouteBytes = routeBytes(routes)
	if receives {
		remember(c, log)
		rabbit.Duplicates = c.Duplicates
		var err error
		if rabbit.Spool, err = spool.Name(spoolConfig(c)); err != nil {
			log.Warn("the spool has no name, so the audit does not count its events", zap.Error(err))
		}
	}
	return rabbitmq.Open(rabbit, reg, log)
}

// OpenOperator opens the broker for a command, beside the processes that run. It creates nothing on the broker. Close it. With RabbitMQ the
// route broker.Spool has the dead letters of the spool in the data folder of the configuration. Calls wait for a RabbitMQ that refuses
// connections at once for giveUp only; 0: until their contexts end.
func OpenOperator(c *config.Config, giveUp time.Duration) (Operator, error) {
	if c.Broker.Embedded() {
		return embedded.Attach(embeddedConfig(c))
	}
	cfg := rabbitMQ(c)
	cfg.GiveUp = giveUp
	rabbit, err := rabbitmq.Attach(cfg)
	if err != nil {
		return nil, err
	}
	return &spoolOperator{Operator: rabbit, dir: spoolConfig(c).Dir}, nil
}

// NextStep returns the next step of a person after an error of the broker, or "" if the error names it.
func NextStep(c *config.Config, err error) string {
	if c.Broker.Embedded() {
		return ""
	}
	return rabbitmq.NextStep(err)
}

func embeddedConfig(c *config.Config) embedded.Config {
	return embedded.Config{Path: filepath.Join(c.Data, "line.db"), Routes: c.Routes.Broker(), MaxBytes: c.Broker.MaxBytes, Duplicates: c.Duplicates}
}

// rabbitMQ returns the configuration of the broker on RabbitMQ.
func rabbitMQ(c *config.Config) rabbitmq.Config {
	return rabbitmq.Config{URLs: c.Broker.URL, TLS: c.Broker.TLS, Management: string(c.Broker.Management), Routes: c.Routes.Broker(), Journal: c.Journal.Enabled}
}
