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

// sandbox is the environment of one measurement: a folder and a virtual host of its own, without remains of an earlier one.
type sandbox struct {
	*bench
	dir        string
	url, vhost string
	processes  []*process
}

// at measures once, in a sandbox of its own.
func (b *bench) at(ctx context.Context, measure func(*sandbox) (window, error)) (w window, err error) {
	p, err := b.newSandbox(ctx)
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return w, err
	}
	return measure(p)
}

// newSandbox makes a sandbox; the caller must close it.
func (b *bench) newSandbox(ctx context.Context) (p *sandbox, err error) {
	p = &sandbox{bench: b}
	if p.dir, err = os.MkdirTemp(b.dir, "place-"); err == nil {
		p.url, p.vhost, err = b.broker.AddVhost(ctx)
	}
	return p, err
}

// close ends the processes and removes the sandbox. It waits until RabbitMQ has deleted the queues, so that the
// next measurement does not include that work.
func (p *sandbox) close(ctx context.Context) error {
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

// keepFiles keeps the handlers' files until the end of all measurements: for a minute and more after a deletion, ext4 without a journal reads
// every deleted inode before it makes a file, and the next measurement would pay ten times for each of its files.
func (p *sandbox) keepFiles() error {
	err := os.Rename(p.files(), filepath.Join(p.bench.dir, filepath.Base(p.dir)+"-files"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// floorReceiver starts the floor's receiver.
func (p *sandbox) floorReceiver(ctx context.Context, role string) (*process, error) {
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

// hookline starts a role with a configuration. ${LISTEN}, ${PRIVATE} and ${AMQP_URL} in it become the sandbox's addresses.
func (p *sandbox) hookline(ctx context.Context, name, config string, role ...string) (*process, error) {
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
