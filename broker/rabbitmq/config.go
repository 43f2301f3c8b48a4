package rabbitmq

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// Config configures a Broker: the nodes of RabbitMQ and the routes that have to exist there.
type Config struct {
	// URLs are the nodes, amqp://user:password@host:5672/vhost or amqps://; at least one. The broker tries them in turn.
	// User and password have to be percent-encoded.
	URLs []string
	// TLS is for amqps URLs. A zero MinVersion becomes TLS 1.2, an empty ServerName the URL's host. Nil: the
	// system's certificate authorities, or the parameters of the URL (cacertfile, ...).
	TLS *tls.Config
	// Management is the URL of RabbitMQ's management API, http://user:password@host:15672 or https://. Empty: there is none, and no
	// audit sees queues that no configuration declares, or that can lose events.
	Management string
	// Spool names the spool of this process. The name is unique and stays the same over restarts; empty: there is no spool.
	Spool string
	// Routes are all routes of the installation, also those that other processes consume.
	Routes []broker.Route
	// Journal declares the stream of the journal, so that it can be appended to and read.
	Journal bool
	// Duplicates is for how long this process remembers the events that it or another process stored, up to the latest
	// broker.MaxRecentEvents. Publish returns broker.ErrDuplicate for a repeat. 0: it remembers none. Only receivers need it.
	Duplicates time.Duration
	// GiveUp is how long the calls of an attached broker wait for nodes that refuse every connection at once. 0: until their contexts
	// end, as while RabbitMQ starts.
	GiveUp time.Duration
	// RouteBytes bounds the bodies of events that this process has fetched for one route and has in memory, in bytes. One larger body
	// has room alone. 0: there is no bound.
	RouteBytes int64
}

// check returns all mistakes in the configuration. Its error contains no URL, because URLs hold passwords.
func (c Config) check() error {
	var errs []error
	if len(c.URLs) == 0 {
		errs = append(errs, errors.New("rabbitmq: urls: at least one amqp:// or amqps:// URL is needed"))
	}
	for i, url := range c.URLs {
		if _, err := amqp.ParseURI(url); err != nil {
			errs = append(errs, fmt.Errorf("rabbitmq: urls[%d] is not amqp://user:password@host:port/vhost with percent-encoded user and password", i))
		}
	}
	if c.Duplicates < 0 {
		errs = append(errs, fmt.Errorf("rabbitmq: duplicates is %v; it is 0 or more", c.Duplicates))
	}
	if c.RouteBytes < 0 {
		errs = append(errs, fmt.Errorf("rabbitmq: bytes of a route are %d; they are 0 or more", c.RouteBytes))
	}
	if err := broker.CheckRoutes(c.Routes); err != nil {
		errs = append(errs, fmt.Errorf("rabbitmq: %w", err))
	}
	return errors.Join(errs...)
}

// Addresses returns URLs without user, password and parameters.
func (c Config) Addresses() []string {
	out := make([]string, len(c.URLs))
	for i, url := range c.URLs {
		out[i] = address(url)
	}
	return out
}

// address returns url for logs and errors: without user, password and parameters.
func address(url string) string {
	u, err := amqp.ParseURI(url)
	if err != nil {
		return "amqp://?"
	}
	vhost := u.Vhost
	if vhost == "/" {
		vhost = ""
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Host, strconv.Itoa(u.Port)) + "/" + vhost
}
