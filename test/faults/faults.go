package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/hookline/hookline/test/faults/system"
)

// faults returns all faults of the suite, in the order of the report.
func faults() []fault {
	return []fault{
		{name: "nothing", place: atDoor, hold: 3 * time.Second, inject: nothing},
		{name: "kill -9 a receiver", place: atReceiver, hold: time.Second, inject: signalled(receivers, syscall.SIGKILL)},
		{name: "kill -9 a worker", place: atWorker, hold: time.Second, inject: signalled(workers, syscall.SIGKILL)},
		{name: "SIGTERM a receiver", place: atReceiver, hold: time.Second, inject: signalled(receivers, syscall.SIGTERM)},
		{name: "SIGTERM a worker", place: atWorker, hold: time.Second, inject: signalled(workers, syscall.SIGTERM)},
		{name: "freeze a worker", place: atWorker, hold: 4 * time.Second, inject: frozen},

		{name: "kill -9 a broker node", place: atNode, hold: 3 * time.Second, inject: killNode},
		{name: "kill -9 all broker nodes", place: atNode, needs: needCluster, hold: 3 * time.Second, inject: killAllNodes},
		{name: "restart all broker nodes in turn", place: atNode, hold: time.Second, inject: rollingRestart},
		{name: "memory alarm", place: atNode, hold: 4 * time.Second, inject: memoryAlarm},
		{name: "disk alarm", place: atNode, hold: 4 * time.Second, inject: diskAlarm},
		{name: "exchange deleted", place: atNode, hold: 2 * time.Second, inject: exchangeDeleted},
		{name: "empty queue deleted", place: atNode, hold: 2 * time.Second, alone: true, inject: emptyQueueDeleted},
		{name: "queue with 137 events deleted", place: atNode, hold: 2 * time.Second, alone: true, inject: fullQueueDeleted},
		{name: "queue deleted under load", place: atNode, hold: 2 * time.Second, alone: true, loses: true, inject: queueDeleted},
		{name: "policy limits a queue whose handler hangs", place: atNode, hold: 4 * time.Second, fills: true, inject: policyChanged},
		{name: "events larger than RabbitMQ takes", place: atDoor, hold: 4 * time.Second, inject: largeEvents},
		{name: "password changed", place: atNode, hold: 4 * time.Second, inject: passwordChanged},
		{name: "route removed and added again", place: atNode, hold: time.Second, alone: true, inject: routeRemoved},
		{name: "route paused and resumed by a person", place: atDesk, hold: 4 * time.Second, inject: routePaused},

		{name: "network cut", place: atNetwork, hold: 4 * time.Second, inject: networkCut},
		{name: "connections half open", place: atNetwork, hold: 12 * time.Second, inject: halfOpen},
		{name: "500 ms latency", place: atNetwork, hold: 5 * time.Second, inject: slowNetwork},
		{name: "20 % packet loss", place: atNetwork, needs: needFirewall, hold: 6 * time.Second, inject: packetLoss},

		{name: "disk full under the export", place: atDisk, needs: needDisks, hold: 4 * time.Second, inject: exportFull},
		{name: "disk read-only under the export", place: atDisk, needs: needDisks, hold: 4 * time.Second, inject: exportReadOnly},
		{name: "disk full under the spool, RabbitMQ away", place: atNetwork, needs: needDisks, hold: 4 * time.Second, inject: withoutBroker(spoolFull)},
		{name: "disk read-only under the spool, RabbitMQ away", place: atNetwork, needs: needDisks, hold: 4 * time.Second, inject: withoutBroker(spoolReadOnly)},
		{name: "spool deleted, RabbitMQ away", place: atNetwork, hold: 2 * time.Second, alone: true, loses: true, inject: spoolHurt(deleteSpool)},
		{name: "64 KiB of a spool overwritten, RabbitMQ away", place: atNetwork, hold: 2 * time.Second, alone: true, loses: true, inject: spoolHurt(overwriteSpool)},
		{name: "data folder removed under a receiver, RabbitMQ away", place: atNetwork, hold: 4 * time.Second, alone: true, loses: true, inject: dataRemoved},

		{name: "clock of one process 1 h ahead", place: atClock, needs: needClock, hold: 4 * time.Second, inject: clockMoved(time.Hour)},
		{name: "clock of one process 1 h behind", place: atClock, needs: needClock, hold: 4 * time.Second, inject: clockMoved(-time.Hour)},
		{name: "200 slow-loris senders", place: atDoor, hold: 8 * time.Second, inject: slowSenders},
		{name: "2,000 idle connections", place: atDoor, hold: 5 * time.Second, inject: idleConnections},
		{name: "2,048 slow POSTs from one address", place: atDoor, hold: 8 * time.Second, inject: floodSlow},
		{name: "4,096 idle connections from one address", place: atDoor, hold: 5 * time.Second, inject: floodIdle},
	}
}

// injection causes a fault and returns the function that ends it; nil if it ends by itself.
type injection = func(ctx context.Context, t *trial) (func(context.Context) error, error)

func nothing(context.Context, *trial) (func(context.Context) error, error) { return nil, nil }

func receivers(t *trial) []*system.Process { return t.Receivers }
func workers(t *trial) []*system.Process   { return t.Workers }

// signalled sends a signal to one of the processes. A process that ends is started again at once.
func signalled(from func(*trial) []*system.Process, signal syscall.Signal) injection {
	return func(_ context.Context, t *trial) (func(context.Context) error, error) {
		return nil, pick(t, from(t)).Signal(signal)
	}
}

// frozen stops a working worker, as on a machine that swaps or is moved.
func frozen(_ context.Context, t *trial) (func(context.Context) error, error) {
	p := pick(t, t.Workers)
	return func(context.Context) error { return p.Signal(syscall.SIGCONT) }, p.Signal(syscall.SIGSTOP)
}

// clockMoved changes the clock of one process, and then corrects it. Meanwhile some deliveries fail, because a retry depends on the time.
func clockMoved(by time.Duration) injection {
	return func(_ context.Context, t *trial) (func(context.Context) error, error) {
		p := pick(t, t.Processes())
		t.Sink.Fail(true)
		heal := func(context.Context) error {
			t.Sink.Fail(false)
			return t.MoveClock(p.Name, 0)
		}
		return heal, t.MoveClock(p.Name, by)
	}
}

// pick selects an item by the seed of the step.
func pick[T any](t *trial, from []T) T { return from[t.random.IntN(len(from))] }

// all calls do for all items.
func all[T any](of []T, do func(T) error) error {
	var errs []error
	for _, one := range of {
		errs = append(errs, do(one))
	}
	return errors.Join(errs...)
}
