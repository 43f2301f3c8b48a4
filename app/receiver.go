package app

import (
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/worker"
)

func receiverConfig(c *config.Config, cert *certificate, counter receiver.Counter) receiver.Config {
	out := receiver.Config{
		Sources: sources(c, c.Broker), Routed: routed(c.Routes), Counter: counter, PublicURL: c.PublicURL,
		TrustedProxies: c.TrustedProxies, Grace: c.Grace,
		MaxConnections: c.Limits.MaxConnections, MaxRequests: c.Limits.MaxRequests, MaxMemory: c.Limits.MaxMemory,
		MaxHeaderBytes: c.Limits.MaxHeaderBytes, ReadHeaderTimeout: c.Limits.ReadHeaderTimeout,
		ReadTimeout: c.Limits.ReadTimeout, IdleTimeout: c.Limits.IdleTimeout,
	}
	if cert != nil {
		out.TLS = cert.config()
	}
	return out
}

// sources returns the sources of c. On RabbitMQ none takes bodies that RabbitMQ cannot store.
func sources(c *config.Config, b config.Broker) map[string]receiver.Source {
	out := make(map[string]receiver.Source, len(c.Sources))
	for name, source := range c.Sources {
		if !b.Embedded() {
			source.MaxBody = min(source.MaxBody, broker.MaxBody)
		}
		out[name] = source.Source
	}
	return out
}

// routed returns a function that tells whether a route takes events with a routing key.
func routed(routes []worker.Route) func(key string) bool {
	matcher := broker.NewMatcher(brokerRoutes(routes))
	return func(key string) bool { return matcher.Match(key) != nil }
}
