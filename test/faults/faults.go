package main

import (
	"context"
	"syscall"
	"time"

	"github.com/hookline/hookline/test/faults/system"
	"github.com/hookline/hookline/test/rabbitnode"
)

// faults are all that the suite knows.
func faults() []fault {
	return []fault{
		{name: "kill -9 a receiver", place: atReceiver, hold: time.Second, inject: signalled(receivers, syscall.SIGKILL)},
		{name: "kill -9 a worker", place: atWorker, hold: time.Second, inject: signalled(workers, syscall.SIGKILL)},
		{name: "kill -9 a broker node", place: atNode, hold: 3 * time.Second, inject: killNode},
	}
}

func receivers(t *trial) []*system.Process { return t.Receivers }
func workers(t *trial) []*system.Process   { return t.Workers }

type injection func(ctx context.Context, t *trial) (func(context.Context) error, error)

// signalled sends a signal to one of the processes; what ends by it is started again at once.
func signalled(from func(*trial) []*system.Process, signal syscall.Signal) injection {
	return func(_ context.Context, t *trial) (func(context.Context) error, error) {
		return nil, pick(t, from(t)).Signal(signal)
	}
}

func killNode(_ context.Context, t *trial) (func(context.Context) error, error) {
	node := pick(t, t.Nodes)
	return func(ctx context.Context) error { return node.StartAgain(ctx) }, node.Kill()
}

// pick takes one by the seed of the step.
func pick[T any](t *trial, from []T) T { return from[t.random.IntN(len(from))] }

var _ *rabbitnode.Node
