// Package rabbitmq is the line on RabbitMQ: 4.x, and 3.10 or later. It is the only place that speaks AMQP 0-9-1.
//
// A session is one connection and its channels. It is made new after any fault and never revived, and a delivery is
// settled only on the session that brought it. Publishing and consuming have a connection each, since RabbitMQ stops
// reading from a connection that publishes while it is short of memory or disk.
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

// Config says where RabbitMQ is and what has to exist there.
type Config struct {
	// URLs are the nodes, amqp://user:password@host:5672/vhost or amqps://; at least one. They are tried in turn.
	// User and password have to be percent-encoded.
	URLs []string
	// TLS is for amqps URLs. A zero MinVersion becomes TLS 1.2, an empty ServerName the URL's host. Nil: the
	// system's certificate authorities, or what the URL's own parameters (cacertfile, ...) say.
	TLS *tls.Config
	// Spool names the spool in front of this process's line, the same over restarts and as no other; empty: none.
	Spool string
	// Routes are all routes of the installation, also those that this process does not consume.
	Routes []broker.Route
	// Duplicates is for how long this process remembers the events that it or another one stored, of which it keeps the
	// latest broker.MaxRecent at most: a repeat is then broker.ErrDuplicate. 0 remembers none; only receivers need it.
	Duplicates time.Duration
}

// check tells everything that is wrong with the configuration. It never repeats a URL, which holds a password.
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
	if err := broker.CheckRoutes(c.Routes); err != nil {
		errs = append(errs, fmt.Errorf("rabbitmq: %w", err))
	}
	return errors.Join(errs...)
}

// address is url as it may be shown: without user, password and parameters.
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
