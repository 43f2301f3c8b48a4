package rabbitnode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Options configure a node.
type Options struct {
	Dir       string   // an empty folder for data, log and cookie
	Temporary bool     // Dir is removed when the node ends with its process
	Lines     []string // added to rabbitmq.conf
}

// Node is one RabbitMQ node.
type Node struct {
	server server
	broker Broker
}

// server runs a node, from the installed package or in Docker.
type server interface {
	start() error
	stop(ctx context.Context) error                              // gracefully; returns when it has ended
	kill() error                                                 // SIGKILL; returns when it has ended
	remove() error                                               // kills, and removes its container or processes
	ended() <-chan struct{}                                      // closed when the server has ended by itself
	tool(ctx context.Context, name string, args ...string) error // one of RabbitMQ's tools
}

// ErrMissing says that this machine has neither rabbitmq-server nor a working Docker.
var ErrMissing = errors.New("rabbitnode: no RabbitMQ to test with: install rabbitmq-server (apt-get install rabbitmq-server, " +
	"dnf install rabbitmq-server, apk add rabbitmq-server, brew install rabbitmq), or start Docker, or set " + EnvAMQP + " and " + EnvAPI)

// Run starts a node on free ports of the loopback interface and returns when it takes connections.
func Run(ctx context.Context, o Options) (*Node, error) {
	var err error
	for attempt := range 3 { // another process may take a free port first
		var n *Node
		if n, err = newNode(ctx, o, filepath.Join(o.Dir, strconv.Itoa(attempt))); err != nil {
			return nil, err
		}
		if err = n.StartAgain(ctx); err == nil {
			return n, nil
		}
		_ = n.Remove()
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

func newNode(ctx context.Context, o Options, dir string) (*Node, error) {
	ports, err := freePorts(ctx, 4)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	n := &Node{broker: Broker{
		URL: fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", ports[0]),
		API: fmt.Sprintf("http://guest:guest@127.0.0.1:%d", ports[1]),
	}}
	remove := ""
	if o.Temporary {
		remove = o.Dir
	}
	if scripts, ok := Installed(); ok && os.Getenv(EnvDocker) == "" {
		alone := identity{name: "rabbitnode@localhost", host: "127.0.0.1", cookie: rand.Text(), ports: ports}
		n.server, err = newInstalled(scripts, dir, remove, alone, o.Lines)
	} else if dockerWorks(ctx) {
		n.server, err = newContainer(dir, remove, ports, o.Lines)
	} else {
		err = ErrMissing
	}
	return n, err
}

// Broker returns the node's addresses.
func (n *Node) Broker() *Broker { return &n.broker }

// URL returns the node's amqp URL with the default virtual host.
func (n *Node) URL() string { return n.broker.URL }

// API returns the URL of the node's management plugin, with credentials.
func (n *Node) API() string { return n.broker.API }

// Stop ends the node gracefully.
func (n *Node) Stop(ctx context.Context) error { return n.server.stop(ctx) }

// Kill ends the node with SIGKILL.
func (n *Node) Kill() error { return n.server.kill() }

// Remove kills the node. Its folder remains.
func (n *Node) Remove() error { return n.server.remove() }

// ErrEnded says that a node ended while it was starting.
var ErrEnded = errors.New("rabbitnode: the node ended while it was starting")

// StartAgain starts a node that was stopped or killed, with the same ports and data, and returns when it takes
// connections.
func (n *Node) StartAgain(ctx context.Context) error {
	if err := n.server.start(); err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := n.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-n.server.ended():
			return fmt.Errorf("%w: %w", ErrEnded, err)
		case <-ctx.Done():
			return fmt.Errorf("rabbitnode: the node does not answer: %w", err)
		}
	}
}

// Ctl runs rabbitmqctl against the node.
func (n *Node) Ctl(ctx context.Context, args ...string) error {
	return n.Run(ctx, "rabbitmqctl", args...)
}

// Run runs one of RabbitMQ's tools, such as rabbitmq-queues, against the node.
func (n *Node) Run(ctx context.Context, tool string, args ...string) error {
	return n.server.tool(ctx, tool, args...)
}

// SetAlarm raises or clears the node's memory alarm, which blocks connections that publish.
func (n *Node) SetAlarm(ctx context.Context, on bool) error {
	watermark := "0.6"
	if on {
		watermark = "0"
	}
	return n.Ctl(ctx, "set_vm_memory_high_watermark", watermark)
}

// ready returns nil if the node answers an AMQP handshake and a request to the management plugin.
func (n *Node) ready(ctx context.Context) error {
	conn, err := amqp.DialConfig(n.broker.URL, amqp.Config{Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	return n.broker.call(ctx, http.MethodGet, "/api/whoami", nil, nil)
}

// freePorts returns ports of the loopback interface that are free at the moment.
func freePorts(ctx context.Context, count int) ([]int, error) {
	var (
		ports  []int
		config net.ListenConfig
	)
	for range count {
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() //nolint:revive // all stay open until the last is found, so that each port is different
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
