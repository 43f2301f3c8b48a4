package app

import (
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/receiver"
)

func receiverConfig(c *config.Config, cert *certificate, counter receiver.Counter) receiver.Config {
	out := receiver.Config{
		Sources: c.CheckedSources, Routed: routed(c.Routes.Broker()), Counter: counter, PublicURL: c.PublicURL,
		TrustedProxies: c.TrustedProxies, Grace: c.Grace, Limits: c.Limits,
	}
	if !c.Broker.Embedded() {
		out.MaxBody = broker.MaxBody
	}
	if cert != nil {
		out.TLS = cert.config()
	}
	return out
}

// routed returns a function that tells whether a route takes events with a routing key.
func routed(routes []broker.Route) func(key string) bool {
	matcher := broker.NewMatcher(routes)
	return func(key string) bool { return matcher.Match(key) != nil }
}
