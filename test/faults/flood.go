package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hookline/hookline/test/faults/system"
)

// flooder is the address of a machine that floods the receivers. The load comes from another address.
const flooder = "127.0.0.2"

// A receiver has 4,096 connections and 2,048 requests by default. One address has half of them.
const (
	shareOfConnections = 2048
	shareOfRequests    = 1024
)

const openConnections = "hookline_receiver_connections"

// floodIdle opens as many idle connections as each receiver takes from all, from one address.
func floodIdle(ctx context.Context, t *trial) (func(context.Context) error, error) {
	before := t.load.Others()
	conns, err := t.dial(ctx, flooder, 4096*len(t.Receivers))
	if err == nil {
		err = t.held(ctx, openConnections, shareOfConnections)
	}
	return func(ctx context.Context) error {
		if err := t.allAnswered(before); err != nil {
			return err
		}
		return closing(conns)(ctx)
	}, err
}

// floodSlow keeps as many slow bodies at each receiver as it takes requests from all, from one address without a secret.
func floodSlow(ctx context.Context, t *trial) (func(context.Context) error, error) {
	before := t.load.Others()
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var senders sync.WaitGroup
	for _, p := range t.Receivers {
		for range 2048 {
			senders.Go(func() {
				for sending.Err() == nil {
					slowPost(sending, p.Listen)
					wait(sending, 3*time.Second)
				}
			})
		}
	}
	return func(context.Context) error {
		err := t.allAnswered(before)
		stop()
		senders.Wait()
		return err
	}, t.held(ctx, "hookline_receiver_in_flight", shareOfRequests)
}

// slowPost sends a byte of a body each second, until the receiver ends the request.
func slowPost(ctx context.Context, receiver string) {
	conn, err := dialFrom(ctx, flooder, receiver)
	if err != nil {
		return // the receiver is down
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /webhooks/spool HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
	for err == nil && wait(ctx, time.Second) {
		_, err = io.WriteString(conn, "{")
	}
}

// held waits until each receiver has a number of something, if the flood is the only fault.
func (t *trial) held(ctx context.Context, metric string, count float64) error {
	if len(t.plan.steps) > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return all(t.Receivers, func(p *system.Process) error {
		return system.Eventually(ctx, func() error {
			metrics, err := p.Metrics(ctx)
			if err == nil && metrics[metric] < count {
				err = fmt.Errorf("%s: %s is %.0f, not %.0f", p.Name, metric, metrics[metric], count)
			}
			return err
		})
	})
}

// allAnswered returns an error if an event of the load was not answered 200 during a flood, if the flood is the only fault.
func (t *trial) allAnswered(before map[string]int) error {
	if now := t.load.Others(); len(t.plan.steps) == 1 && fmt.Sprint(now) != fmt.Sprint(before) {
		return fmt.Errorf("another address had other answers than 200 during the flood: %v; before: %v", now, before)
	}
	return nil
}

func dialFrom(ctx context.Context, from, to string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(ctx, "tcp", to)
}
