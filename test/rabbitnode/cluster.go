package rabbitnode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// runEpmd runs epmd, which finds the cluster's nodes by name, until its standard input ends.
const runEpmd = `
exec 3<&0
epmd </dev/null 3<&- &
read -r order <&3
kill -KILL 0
`

// Cluster is a cluster of three RabbitMQ nodes, each with an address of its own.
type Cluster struct {
	Nodes   []*Node
	started int     // the first nodes
	epmd    process // for all nodes, so that it outlives each node
}

// RunCluster starts a cluster on the loopback interface and returns when its nodes have found each other. It needs what NewCluster
// needs. Call Remove, also after an error.
func RunCluster(ctx context.Context, o Options) (*Cluster, error) {
	c, err := NewCluster(ctx, o)
	if err != nil {
		return c, err
	}
	return c, c.Grow(ctx, len(c.Nodes))
}

// NewCluster prepares a cluster on the loopback interface. It starts no node: Grow does. It needs the installed rabbitmq-server and the
// addresses 127.0.0.11 to 127.0.0.13, which Linux has. Call Remove, also after an error.
func NewCluster(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{}
	scripts, ok := Installed()
	if !ok {
		return c, ErrMissing
	}
	hosts := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	ports, err := freePorts(ctx, 1+3*len(hosts))
	if err != nil {
		return c, err
	}
	epmd, ports := ports[0], ports[1:]
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return c, err
	}
	inetrc := filepath.Join(o.Dir, "inetrc")
	if err := os.WriteFile(inetrc, []byte(hostsFile(hosts)), 0o600); err != nil {
		return c, err
	}
	shared := identity{cookie: rand.Text(), env: []string{"ERL_INETRC=" + inetrc, "ERL_EPMD_ADDRESS=" + strings.Join(hosts, ",")}}
	for i, host := range hosts {
		shared.ports = append(slices.Clone(ports[3*i:3*i+3]), epmd)
		n, err := newMember(scripts, filepath.Join(o.Dir, hostName(i)), shared, i, host, append(membership(len(hosts)), o.Lines...))
		if err != nil {
			return c, err
		}
		c.Nodes = append(c.Nodes, n)
	}
	epmdEnv := c.Nodes[0].server.(*installed).env
	return c, c.epmd.start(epmdEnv, filepath.Join(o.Dir, "epmd.log"), runEpmd)
}

// Grow starts the next nodes of the cluster, and returns when size nodes have found each other.
func (c *Cluster) Grow(ctx context.Context, size int) error {
	starts, starting := errgroup.WithContext(ctx)
	for _, n := range c.Nodes[c.started:size] {
		starts.Go(func() error { return n.StartAgain(starting) })
	}
	if err := starts.Wait(); err != nil {
		return err
	}
	c.started = size
	return c.Together(ctx)
}

func newMember(scripts, dir string, id identity, index int, host string, lines []string) (*Node, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	id.name, id.host = memberName(index), host
	id.env = append(slices.Clone(id.env), "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel net_ticktime 20 inet_dist_use_interface {"+strings.ReplaceAll(host, ".", ",")+"}")
	n := &Node{broker: Broker{
		URL: fmt.Sprintf("amqp://guest:guest@%s:%d/", host, id.ports[0]),
		API: fmt.Sprintf("http://guest:guest@%s:%d", host, id.ports[1]),
	}}
	var err error
	n.server, err = newInstalled(scripts, dir, "", id, lines)
	return n, err
}

func hostName(index int) string   { return fmt.Sprintf("node%d", index+1) }
func memberName(index int) string { return fmt.Sprintf("rabbitnode%d@%s", index+1, hostName(index)) } // a name of its own, because one epmd serves all nodes

// hostsFile returns the text of Erlang's own hosts file.
func hostsFile(hosts []string) string {
	text := "{lookup, [file, native]}.\n"
	for i, host := range hosts {
		text += fmt.Sprintf("{host, {%s}, [%q]}.\n", strings.ReplaceAll(host, ".", ","), hostName(i))
	}
	return text
}

// membership returns the lines of rabbitmq.conf by which the nodes find each other.
func membership(nodes int) []string {
	lines := []string{"cluster_partition_handling = pause_minority", "cluster_formation.peer_discovery_backend = classic_config", "loopback_users = none"}
	for i := range nodes {
		lines = append(lines, fmt.Sprintf("cluster_formation.classic_config.nodes.%d = %s", i+1, memberName(i)))
	}
	return lines
}

// Together waits until every started node sees all of them.
func (c *Cluster) Together(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.whole(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("rabbitnode: no cluster: %w", err)
		}
	}
}

func (c *Cluster) whole(ctx context.Context) error {
	for _, n := range c.Nodes[:c.started] {
		var seen []struct {
			Name    string
			Running bool
		}
		if err := n.broker.call(ctx, http.MethodGet, "/api/nodes", nil, &seen); err != nil {
			return err
		}
		running := 0
		for _, s := range seen {
			if s.Running {
				running++
			}
		}
		if running != c.started {
			return fmt.Errorf("%s sees %d of %d nodes", n.broker.API, running, c.started)
		}
	}
	return nil
}

// Remove kills all nodes. Their folders remain.
func (c *Cluster) Remove() error {
	var errs []error
	for _, n := range c.Nodes {
		errs = append(errs, n.Remove())
	}
	return errors.Join(append(errs, c.epmd.kill())...)
}
