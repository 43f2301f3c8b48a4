package rabbitmq

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	dialTime      = 5 * time.Second  // for TCP
	handshakeTime = 10 * time.Second // for TLS and AMQP together
	openTime      = 30 * time.Second // for opening a session, with the declaration of the topology
	heartbeat     = 10 * time.Second // a frozen node is detected after one and a half of these
	closeTime     = time.Second      // for AMQP's closing handshake
)

// dialer connects to the nodes in turn.
type dialer struct {
	urls []string
	tls  *tls.Config
	name string
	next int
}

func newDialer(cfg Config, role string) *dialer {
	return &dialer{urls: cfg.URLs, tls: cfg.TLS, name: "hookline." + role}
}

// dial connects to the next node and calls prepare with the connection. The end of ctx, or openTime, closes the connection in both.
func (d *dialer) dial(ctx context.Context, prepare func(*amqp.Connection) error) (*amqp.Connection, string, error) {
	url := d.urls[d.next%len(d.urls)]
	d.next++
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	release, hangUp := func() bool { return true }, func() error { return nil }
	properties := amqp.Table{"product": "Hookline", "platform": "Go"}
	properties.SetClientConnectionName(d.name)
	conn, err := amqp.DialConfig(url, amqp.Config{
		Heartbeat:       heartbeat,
		TLSClientConfig: d.tlsConfig(),
		Properties:      properties,
		Dial: func(network, address string) (net.Conn, error) {
			raw, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			release = context.AfterFunc(ctx, func() { _ = raw.Close() }) // amqp091-go has no context
			batched := newBatchConn(raw)
			hangUp = batched.Close
			if err := batched.SetDeadline(time.Now().Add(handshakeTime)); err != nil { // amqp091-go clears it
				_ = batched.Close()
				return nil, err
			}
			return batched, nil
		},
	})
	if err != nil {
		release()
		_ = hangUp() // amqp091-go leaves it open if it cannot read a TLS file that the URL names
		return nil, address(url), fmt.Errorf("%s: %w", address(url), err)
	}
	err = prepare(conn)
	if !release() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		closeConnection(conn)
		return nil, address(url), fmt.Errorf("%s: %w", address(url), err)
	}
	return conn, address(url), nil
}

// tlsConfig returns a copy, because amqp091-go writes the host's name into it.
func (d *dialer) tlsConfig() *tls.Config {
	if d.tls == nil {
		return nil
	}
	cfg := d.tls.Clone()
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	return cfg
}

// closeConnection closes conn within closeTime. It drops the error, because the connection is no longer used.
func closeConnection(conn *amqp.Connection) {
	_ = conn.CloseDeadline(time.Now().Add(closeTime))
}
