// Package system runs an installation of Hookline with real processes, a real
// RabbitMQ behind a proxy, and small disks, so that all of them can fail.
package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

// The sources and routes of the installation.
const (
	Refuse  = "refuse"  // a source with the answer 503 while RabbitMQ is unreachable
	Spool   = "spool"   // a source that spools meanwhile
	Archive = "archive" // the route that writes files
	Count   = "count"   // the route that goes to the Sink
	Secret  = "first-test-secret"
)

const config = `
listen: "${LISTEN:-127.0.0.1:0}"
private_listen: "${PRIVATE:-127.0.0.1:0}"
data: "${DATA:-data}"
grace: 5s
broker: { url: [%s] }
sources:
  refuse: { preset: alma, secrets: first-test-secret, when_down: refuse, max_body: 4000000 }
  spool: { preset: alma, secrets: first-test-secret, when_down: spool, max_body: 4000000 }
routes:
  archive:
    match: "#"
    handler: { kind: file, dir: %q, path: "{source}/{id}{ext}" }
    retry: { attempts: 1000, first: 1s, max: 1s }
  count:
    match: "#"
    handler: { kind: http, url: %q }
    retry: { attempts: 1000, first: 1s, max: 1s }
`

// Config is the configuration of an installation.
type Config struct {
	Dir       string // an empty folder
	Binary    string // hookline
	Nodes     []*rabbitnode.Node
	Receivers int
	Workers   int
	Disks     bool // give the export and the receivers' data small disks of their own
}

// System is a running installation.
type System struct {
	Nodes     []*rabbitnode.Node
	Proxies   []*Proxy // the network to each of Nodes
	Receivers []*Process
	Workers   []*Process
	Sink      *Sink
	Export    *Folder // the files of the route Archive
	Data      *Folder // the receivers' spools
	Vhost     string
	User      string

	cfg    Config
	config string // the text of hookline.yml, without the routes of SetMoreRoutes
}

// Open starts all processes and returns when they are ready. The caller must call Close, also after an error.
func Open(ctx context.Context, cfg Config) (*System, error) {
	s := &System{cfg: cfg, Nodes: cfg.Nodes, Sink: newSink()}
	if err := s.open(ctx); err != nil {
		return s, err
	}
	for _, p := range s.Processes() {
		p.start()
	}
	return s, s.Ready(ctx)
}

func (s *System) open(ctx context.Context) (err error) {
	if s.Export, err = newFolder(ctx, filepath.Join(s.cfg.Dir, "export"), s.cfg.Disks); err != nil {
		return err
	}
	if err := os.Mkdir(s.files(), 0o750); err != nil { // the handler makes no folder outside the data folder
		return err
	}
	if s.Data, err = newFolder(ctx, filepath.Join(s.cfg.Dir, "data"), s.cfg.Disks); err != nil {
		return err
	}
	urls, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.config = fmt.Sprintf(config, strings.Join(urls, ", "), s.files(), s.Sink.server.URL)
	if err := s.SetMoreRoutes(""); err != nil {
		return err
	}
	for n := range s.cfg.Receivers {
		p, err := s.process(ctx, fmt.Sprintf("receiver-%d", n+1), "receiver")
		if err != nil {
			return err
		}
		s.Receivers = append(s.Receivers, p)
	}
	for n := range s.cfg.Workers {
		p, err := s.process(ctx, fmt.Sprintf("worker-%d", n+1), "worker")
		if err != nil {
			return err
		}
		s.Workers = append(s.Workers, p)
	}
	return nil
}

// SetMoreRoutes sets the routes beside the usual ones, in YAML. A process has them after its next start.
func (s *System) SetMoreRoutes(routes string) error {
	return os.WriteFile(filepath.Join(s.cfg.Dir, "hookline.yml"), []byte(s.config+routes), 0o600)
}

// connect makes a virtual host and a user for this installation, and a proxy before each node.
func (s *System) connect(ctx context.Context) (urls []string, err error) {
	if _, s.Vhost, err = s.Nodes[0].Broker().AddVhost(ctx); err != nil {
		return nil, err
	}
	s.User = s.Vhost
	if err := s.SetPassword(ctx, Secret); err != nil {
		return nil, err
	}
	if err := s.Nodes[0].Broker().Permit(ctx, s.Vhost, s.User); err != nil {
		return nil, err
	}
	for _, node := range s.Nodes {
		upstream, err := url.Parse(node.URL())
		if err != nil {
			return nil, err
		}
		proxy, err := newProxy(upstream.Host)
		if err != nil {
			return nil, err
		}
		s.Proxies = append(s.Proxies, proxy)
		urls = append(urls, fmt.Sprintf("%q", "amqp://"+s.User+":"+Secret+"@"+proxy.Address()+"/"+s.Vhost))
	}
	return urls, nil
}

// process makes a role with addresses and data of its own.
func (s *System) process(ctx context.Context, name, role string) (*Process, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	private, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.MoveClock(name, 0); err != nil {
		return nil, err
	}
	return &Process{
		Name: name, Listen: listen, private: private, binary: s.cfg.Binary, dir: s.cfg.Dir,
		args: []string{"--log-format", "json", role},
		env:  append(s.env(), "LISTEN="+listen, "PRIVATE="+private, "DATA="+filepath.Join(s.Data.Path, name), clockVariable+"="+s.clock(name)),
	}, nil
}

// files returns the folder of the route Archive.
func (s *System) files() string { return filepath.Join(s.Export.Path, "files") }

func (s *System) env() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.cfg.Dir} }

func freeAddress(ctx context.Context) (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// Dir returns the folder of the installation, with its configuration and logs.
func (s *System) Dir() string { return s.cfg.Dir }

// Processes returns all processes.
func (s *System) Processes() []*Process { return slices.Concat(s.Receivers, s.Workers) }

// Ready waits until every process reports that it is ready.
func (s *System) Ready(ctx context.Context) error {
	for _, p := range s.Processes() {
		if err := Eventually(ctx, func() error {
			text, err := p.Get(ctx, "/readyz")
			if err == nil && strings.TrimSpace(text) != "ok" {
				err = fmt.Errorf("%s: %s", p.Name, text)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// Run runs a hookline command in the folder of the installation, as an operator would, and returns its output.
func (s *System) Run(ctx context.Context, args ...string) (stdout []byte, code int, err error) {
	cmd := exec.CommandContext(ctx, s.cfg.Binary, args...)
	cmd.Dir, cmd.Env = s.cfg.Dir, s.env()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return out, exit.ExitCode(), fmt.Errorf("hookline %s: exit code %d: %s", strings.Join(args, " "), exit.ExitCode(), exit.Stderr)
	}
	return out, 0, err
}

// Queues returns the output of `hookline queues`.
func (s *System) Queues(ctx context.Context) ([]broker.QueueInfo, error) {
	out, _, err := s.Run(ctx, "queues", "--json")
	if err != nil {
		return nil, err
	}
	var queues []broker.QueueInfo
	return queues, json.Unmarshal(out, &queues)
}

// Admin calls do with the management of one node after the other until one succeeds.
func (s *System) Admin(do func(*rabbitnode.Broker) error) (err error) {
	for _, node := range s.Nodes {
		if err = do(node.Broker()); err == nil {
			return nil
		}
	}
	return err
}

// SetPassword changes the password of the processes' user on RabbitMQ.
func (s *System) SetPassword(ctx context.Context, password string) error {
	return s.Admin(func(b *rabbitnode.Broker) error { return b.SetUser(ctx, s.User, password) })
}

// Close stops all processes and removes everything but the folder.
func (s *System) Close(ctx context.Context) error {
	var errs []error
	for _, p := range s.Processes() {
		if p.ended != nil {
			errs = append(errs, p.Stop(ctx))
		}
	}
	for _, p := range s.Proxies {
		p.Cut()
	}
	s.Sink.server.Close()
	if s.Vhost != "" {
		errs = append(errs, s.Admin(func(b *rabbitnode.Broker) error { return b.DeleteVhost(ctx, s.Vhost) }))
	}
	for _, f := range []*Folder{s.Export, s.Data} {
		if f != nil {
			errs = append(errs, f.remove(ctx))
		}
	}
	return errors.Join(errs...)
}

// Eventually calls check until it returns nil or ctx ends. After that it returns the last error of check.
func Eventually(ctx context.Context, check func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := check()
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w; last seen: %w", context.Cause(ctx), last)
		}
	}
}
