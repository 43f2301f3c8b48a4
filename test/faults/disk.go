package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hookline/hookline/test/faults/system"
)

func exportFull(_ context.Context, t *trial) (func(context.Context) error, error) {
	return func(context.Context) error { return t.Export.Free() }, t.Export.Fill()
}

func exportReadOnly(ctx context.Context, t *trial) (func(context.Context) error, error) {
	return func(ctx context.Context) error { return repair(ctx, t.Export, t.Workers) }, t.Export.Break(ctx)
}

func spoolFull(_ context.Context, t *trial) (func(context.Context) error, error) {
	return func(context.Context) error { return t.Data.Free() }, t.Data.Fill()
}

func spoolReadOnly(ctx context.Context, t *trial) (func(context.Context) error, error) {
	return func(ctx context.Context) error { return repair(ctx, t.Data, t.Receivers) }, t.Data.Break(ctx)
}

// spoolDeleted deletes the database of a receiver's spool while RabbitMQ is away. The events in it were all answered 200.
func spoolDeleted(ctx context.Context, t *trial) (func(context.Context) error, error) {
	var join func(context.Context) error
	err := t.quiet(ctx, func() (err error) { // so that no event is both in the spool and on RabbitMQ
		join, err = networkCut(ctx, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	p := pick(t, t.Receivers)
	err = system.Eventually(ctx, func() error {
		metrics, err := p.Metrics(ctx)
		if n := metrics["hookline_spool_waiting"]; err == nil && n < burst {
			err = fmt.Errorf("%.0f events are in the spool", n)
		}
		return err
	})
	if err == nil {
		err = p.Stop(ctx)
	}
	if err == nil {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			err = errors.Join(err, os.RemoveAll(filepath.Join(t.Data.Path, p.Name, "spool", "spool.db"+suffix)))
		}
		p.StartAgain()
	}
	return join, err
}

// repair does an operator's work after the kernel has made a disk read-only: stop the processes, unmount the disk, check
// it, mount it, start the processes.
func repair(ctx context.Context, disk *system.Folder, users []*system.Process) error {
	if err := all(users, func(p *system.Process) error { return p.Stop(ctx) }); err != nil {
		return err
	}
	if err := disk.Unmount(ctx); err != nil {
		return err
	}
	if err := disk.Mount(ctx); err != nil {
		return err
	}
	return all(users, func(p *system.Process) error { p.StartAgain(); return nil })
}

// withoutBroker cuts the network to RabbitMQ during another fault, and a second before it, so that events are
// spooled.
func withoutBroker(fault injection) injection {
	return func(ctx context.Context, t *trial) (func(context.Context) error, error) {
		join, err := networkCut(ctx, t)
		if err != nil {
			return nil, err
		}
		wait(ctx, calm/2)
		heal, err := fault(ctx, t)
		return func(ctx context.Context) error { return errors.Join(heal(ctx), join(ctx)) }, err
	}
}
