package main

import (
	"context"
	"errors"

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
