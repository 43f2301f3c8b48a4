package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// place is where one measurement runs: a folder and a virtual host of its own, so that nothing is left of the one before.
type place struct {
	*bench
	dir        string
	url, vhost string
	processes  []*process
}

// at measures once at a place of its own.
func (b *bench) at(ctx context.Context, measure func(*place) (window, error)) (w window, err error) {
	p, err := b.newPlace(ctx)
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return w, err
	}
	return measure(p)
}

// newPlace makes one; close must follow.
func (b *bench) newPlace(ctx context.Context) (p *place, err error) {
	p = &place{bench: b}
	if p.dir, err = os.MkdirTemp(b.dir, "place-"); err == nil {
		p.url, p.vhost, err = b.broker.AddVhost(ctx)
	}
	return p, err
}

// close ends the processes and takes everything away. It waits until the broker has deleted the queues, so that the
// work is not counted with the next measurement.
func (p *place) close(ctx context.Context) error {
	var kept error
	for _, one := range p.processes {
		select {
		case <-one.ended:
			if !one.cmd.ProcessState.Success() {
				log, _ := os.ReadFile(one.log)
				kept = errors.Join(kept, fmt.Errorf("%s ended: %s", filepath.Base(one.cmd.Path), log[max(0, len(log)-1000):]))
			}
		default:
			one.end()
		}
	}
	if p.vhost != "" {
		kept = errors.Join(kept, p.broker.DeleteVhost(ctx, p.vhost))
	}
	return errors.Join(kept, p.keepFiles(), os.RemoveAll(p.dir))
}

// keepFiles leaves what handlers wrote until the end of all measurements: for a minute and more, ext4 without a journal looks at
// every inode that was deleted before it makes a file, and the next measurement would pay ten times for each of its own.
func (p *place) keepFiles() error {
	err := os.Rename(p.files(), filepath.Join(p.bench.dir, filepath.Base(p.dir)+"-files"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// floorReceiver starts a floor of a receiver.
func (p *place) floorReceiver(ctx context.Context, role string) (*process, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	one, err := p.start("floor-receive", p.program("floor"), role, p.url, listen, secret)
	if err != nil {
		return nil, err
	}
	one.listen = listen
	return one, eventually(ctx, 10*time.Millisecond, one.takesConnections)
}

// hookline starts a role with a configuration, in which ${LISTEN}, ${PRIVATE} and ${AMQP_URL} stand for what is its own.
func (p *place) hookline(ctx context.Context, name, config string, role ...string) (*process, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	private, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	values := map[string]string{"LISTEN": listen, "PRIVATE": private, "AMQP_URL": p.url, "NAME": name}
	text := os.Expand("listen: ${LISTEN}\nprivate_listen: ${PRIVATE}\ndata: data-${NAME}\n"+config, func(key string) string { return values[key] })
	file := filepath.Join(p.dir, name+".yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	begun := time.Now()
	one, err := p.start(name, p.program("hookline"), append(role, "--config", file, "--log-format", "json")...)
	if err != nil {
		return nil, err
	}
	one.listen, one.private = listen, private
	err = within(ctx, 10*patience, time.Millisecond, one.ready) // a thousand queues take a while
	one.started = time.Since(begun)
	return one, err
}
