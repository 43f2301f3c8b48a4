package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

// spoolHurt stops a receiver with a filled spool while RabbitMQ is away, hurts the spool, and starts the receiver. The events in it were
// all answered 200.
func spoolHurt(hurt func(dir string) error) injection {
	return func(ctx context.Context, t *trial) (func(context.Context) error, error) {
		p, join, err := t.filledSpool(ctx)
		if err == nil {
			err = p.Stop(ctx)
		}
		if err == nil {
			err = hurt(filepath.Join(t.Data.Path, p.Name, "spool"))
			p.StartAgain()
		}
		return join, err
	}
}

// filledSpool cuts the network to RabbitMQ, and returns a receiver that has spooled some events since.
func (t *trial) filledSpool(ctx context.Context) (p *system.Process, join func(context.Context) error, err error) {
	err = t.quiet(ctx, func() (err error) { // so that no event is both in the spool and on RabbitMQ
		join, err = networkCut(ctx, t)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	p = pick(t, t.Receivers)
	return p, join, system.Eventually(ctx, func() error {
		metrics, err := p.Metrics(ctx)
		if n := metrics[spoolWaiting]; err == nil && n < burst {
			err = fmt.Errorf("%.0f events are in the spool", n)
		}
		return err
	})
}

const spoolWaiting = "hookline_spool_waiting"

// deleteSpool deletes the database of a spool.
func deleteSpool(dir string) (err error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, "spool.db"+suffix)))
	}
	return err
}

// overwriteSpool overwrites 64 KiB in the middle of the database of a spool.
func overwriteSpool(dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, "spool.db"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(strings.Repeat("damaged!", 8<<10)), info.Size()/2)
	return err
}

// dataRemoved removes the data folder of a running receiver with a filled spool. From then on the receiver must not answer 200 from
// its spool. It has the file open, and hands its events on when RabbitMQ is back. The operator restarts it after that.
func dataRemoved(ctx context.Context, t *trial) (func(context.Context) error, error) {
	p, join, err := t.filledSpool(ctx)
	if err == nil {
		err = os.RemoveAll(filepath.Join(t.Data.Path, p.Name))
	}
	if err != nil {
		return join, err
	}
	heal := func(ctx context.Context) error {
		if err := join(ctx); err != nil {
			return err
		}
		err := system.Eventually(ctx, func() error {
			metrics, err := p.Metrics(ctx)
			if n := metrics[spoolWaiting]; err == nil && n > 0 {
				err = fmt.Errorf("%.0f events are in the removed spool", n)
			}
			return err
		})
		err = errors.Join(err, p.Stop(ctx))
		p.StartAgain()
		return err
	}
	return heal, system.Eventually(ctx, func() error {
		_, err := p.Get(ctx, "/readyz")
		if err != nil && strings.Contains(err.Error(), "removed or replaced") {
			return nil
		}
		return fmt.Errorf("the receiver does not tell that its spool is gone: %w", err)
	})
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
