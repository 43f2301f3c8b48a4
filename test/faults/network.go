package main

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/hookline/hookline/test/faults/system"
)

// networkCut closes all connections to RabbitMQ and refuses new ones.
func networkCut(_ context.Context, t *trial) (func(context.Context) error, error) {
	for _, p := range t.Proxies {
		p.Cut()
	}
	return func(context.Context) error { return all(t.Proxies, (*system.Proxy).Join) }, nil
}

func halfOpen(_ context.Context, t *trial) (func(context.Context) error, error) {
	return t.healNetwork, all(t.Proxies, (*system.Proxy).Swallow)
}

func slowNetwork(_ context.Context, t *trial) (func(context.Context) error, error) {
	return t.healNetwork, all(t.Proxies, func(p *system.Proxy) error { return p.Delay(500) })
}

func (t *trial) healNetwork(ctx context.Context) error {
	return all(t.Proxies, func(p *system.Proxy) error { p.Heal(ctx); return nil })
}

func packetLoss(ctx context.Context, t *trial) (func(context.Context) error, error) {
	var heals []func(context.Context) error
	heal := func(ctx context.Context) error {
		return all(heals, func(heal func(context.Context) error) error { return heal(ctx) })
	}
	return heal, all(t.Proxies, func(p *system.Proxy) error {
		one, err := p.Lose(ctx, 20)
		heals = append(heals, one)
		return err
	})
}

// idleConnections opens connections that send no data.
func idleConnections(ctx context.Context, t *trial) (func(context.Context) error, error) {
	conns, err := t.dial(ctx, local, 2000)
	return closing(conns), err
}

// endless is the beginning of a request without an end.
const endless = "POST /webhooks/refuse HTTP/1.1\r\nHost: localhost\r\nX-Slow: and on, and on, and on"

// slowSenders send one byte of a request after the other.
func slowSenders(ctx context.Context, t *trial) (func(context.Context) error, error) {
	conns, err := t.dial(ctx, local, 200)
	ctx, stop := context.WithCancel(ctx)
	go func() {
		for i := range len(endless) {
			for _, conn := range conns {
				_, _ = io.WriteString(conn, endless[i:i+1]) // the receiver may have closed it
			}
			if !wait(ctx, 200*time.Millisecond) {
				return
			}
		}
	}()
	return func(ctx context.Context) error { stop(); return closing(conns)(ctx) }, err
}

// local is the address of the load.
const local = "127.0.0.1"

// dial opens connections from an address to all receivers in turn. A receiver that another fault has stopped soon runs again.
func (t *trial) dial(ctx context.Context, from string, count int) (conns []net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for n := range count {
		var conn net.Conn
		err := system.Eventually(ctx, func() (err error) {
			conn, err = dialFrom(ctx, from, t.Receivers[n%len(t.Receivers)].Listen)
			return err
		})
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

func closing(conns []net.Conn) func(context.Context) error {
	return func(context.Context) error {
		for _, conn := range conns {
			_ = conn.Close() // the receiver may have closed it
		}
		return nil
	}
}
