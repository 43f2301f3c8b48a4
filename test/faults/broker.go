package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/faults/system"
	"github.com/hookline/hookline/test/rabbitnode"
)

func killNode(_ context.Context, t *trial) (func(context.Context) error, error) {
	node := pick(t, t.Nodes)
	return func(ctx context.Context) error { return startAgain(ctx, node) }, node.Kill()
}

func killAllNodes(_ context.Context, t *trial) (func(context.Context) error, error) {
	return t.startNodes, all(t.Nodes, (*rabbitnode.Node).Kill)
}

// startNodes starts all nodes at once, because each may wait for the others.
func (t *trial) startNodes(ctx context.Context) error {
	starts, ctx := errgroup.WithContext(ctx)
	for _, node := range t.Nodes {
		starts.Go(func() error { return startAgain(ctx, node) })
	}
	return starts.Wait()
}

// startAgain starts a node until it runs, as systemd does. Simultaneous starts sometimes fail with RabbitMQ 3.10.
func startAgain(ctx context.Context, node *rabbitnode.Node) error {
	err := node.StartAgain(ctx)
	for errors.Is(err, rabbitnode.ErrEnded) && ctx.Err() == nil {
		err = node.StartAgain(ctx)
	}
	return err
}

func rollingRestart(ctx context.Context, t *trial) (func(context.Context) error, error) {
	return nil, all(t.Nodes, func(node *rabbitnode.Node) error {
		if err := node.Stop(ctx); err != nil {
			return err
		}
		return startAgain(ctx, node)
	})
}

func memoryAlarm(ctx context.Context, t *trial) (func(context.Context) error, error) {
	node := pick(t, t.Nodes)
	return func(ctx context.Context) error { return node.SetAlarm(ctx, false) }, node.SetAlarm(ctx, true)
}

func diskAlarm(ctx context.Context, t *trial) (func(context.Context) error, error) {
	node := pick(t, t.Nodes)
	limit := func(ctx context.Context, bytes string) error { return node.Ctl(ctx, "set_disk_free_limit", bytes) }
	return func(ctx context.Context) error { return limit(ctx, "50MB") }, limit(ctx, "1000000GB")
}

func exchangeDeleted(ctx context.Context, t *trial) (func(context.Context) error, error) {
	return nil, t.Admin(func(b *rabbitnode.Broker) error { return b.DeleteExchange(ctx, t.Vhost, rabbitmq.EventsExchange) })
}

// policyChanged limits a queue whose workers are held, so that it refuses messages. The limit stays until the virtual
// host is deleted: RabbitMQ 3.10 reports free room to the delay queues only when the queue falls below its limit.
func policyChanged(ctx context.Context, t *trial) (func(context.Context) error, error) {
	release := t.Sink.Hold()
	return func(context.Context) error { release(); return nil }, t.Admin(func(b *rabbitnode.Broker) error {
		return b.SetPolicy(ctx, t.Vhost, "short", "^"+broker.WorkQueue(system.Count)+"$", map[string]any{"max-length": 100})
	})
}

// passwordChanged changes the password on RabbitMQ, and closes the connections with the old one.
func passwordChanged(ctx context.Context, t *trial) (func(context.Context) error, error) {
	heal := func(ctx context.Context) error { return t.SetPassword(ctx, system.Secret) }
	if err := t.SetPassword(ctx, "another"); err != nil {
		return nil, err
	}
	return heal, t.Admin(func(b *rabbitnode.Broker) error {
		_, err := b.CloseConnections(ctx, "amqp://localhost/"+t.Vhost)
		return err
	})
}

// queueDeleted deletes a work queue under load. Until a worker declares it again, this route loses events that other routes
// receive: AMQP cannot tell a publisher that one queue of several is gone. The audit must report them.
func queueDeleted(ctx context.Context, t *trial) (func(context.Context) error, error) {
	if err := t.deleteQueue(ctx); err != nil {
		return nil, err
	}
	return nil, t.queueBack(ctx)
}

// emptyQueueDeleted deletes a work queue between two events.
func emptyQueueDeleted(ctx context.Context, t *trial) (func(context.Context) error, error) {
	return nil, t.quiet(ctx, func() error {
		if err := t.deleteQueue(ctx); err != nil {
			return err
		}
		return t.queueBack(ctx)
	})
}

// burst is the number of events that fullQueueDeleted destroys.
const burst = 137

// fullQueueDeleted deletes a full work queue, as an operator can. Its events are lost, and the audit must report them.
func fullQueueDeleted(ctx context.Context, t *trial) (func(context.Context) error, error) {
	return nil, t.quiet(ctx, func() error {
		if err := all(t.Workers, func(p *system.Process) error { return p.Stop(ctx) }); err != nil {
			return err
		}
		if err := t.load.Burst(ctx, system.Spool, burst); err != nil {
			return err
		}
		if err := t.deleteQueue(ctx); err != nil {
			return err
		}
		t.destroyed.Add(burst)
		if err := all(t.Workers, func(p *system.Process) error { p.StartAgain(); return nil }); err != nil {
			return err
		}
		return t.queueBack(ctx)
	})
}

func (t *trial) deleteQueue(ctx context.Context) error {
	return t.Admin(func(b *rabbitnode.Broker) error { return b.DeleteQueue(ctx, t.Vhost, broker.WorkQueue(system.Archive)) })
}

// queueBack waits until the queue exists again, with all its consumers. It does not declare the queue itself: a queue that reappears
// within milliseconds can keep RabbitMQ 3.10 from telling its consumers about the deletion, so that they starve.
func (t *trial) queueBack(ctx context.Context) error {
	return system.Eventually(ctx, func() error {
		return t.Admin(func(b *rabbitnode.Broker) error {
			consumers, err := b.Consumers(t.Vhost, broker.WorkQueue(system.Archive))
			if err == nil && consumers != len(t.Workers) {
				err = errors.New("the queue does not come back with all its consumers")
			}
			return err
		})
	})
}
