//go:build cluster

// Package cluster_test lets a cluster of RabbitMQ grow from one node to three, and then loses the first node:
//
//	task test:cluster
//
// It needs the installed rabbitmq-server.
package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

const (
	stage = 100 // events that are stored before the growth, and after it
	// patience bounds each wait, because three nodes start slowly on a busy machine.
	patience = 5 * time.Minute
)

// installation is a virtual host with one route. No worker consumes it.
type installation struct {
	vhost string
	cfg   rabbitmq.Config
}

// install declares the topology in a new virtual host, while the cluster has one node.
func install(t *testing.T, c *rabbitnode.Cluster) installation {
	t.Helper()
	_, vhost, err := c.Nodes[0].Broker().AddVhost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := installation{vhost, rabbitmq.Config{Management: c.Nodes[1].API(), Routes: []broker.Route{{Name: "a", Match: []string{"alma.#"}, Concurrency: 1}}}}
	for _, n := range c.Nodes {
		i.cfg.URLs = append(i.cfg.URLs, n.URL()+vhost)
	}
	if _, err := rabbitmq.Apply(t.Context(), i.cfg); err != nil {
		t.Fatal(err)
	}
	return i
}

// with opens a broker as a receiver does, calls do and closes it.
func (i installation) with(t *testing.T, do func(context.Context, *rabbitmq.Broker)) {
	t.Helper()
	b, err := rabbitmq.Open(i.cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	defer func() { _ = b.Close(ctx) }()
	do(ctx, b)
}

func anEvent(id string) event.Event {
	return event.Event{ID: id, Source: "alma", Action: "job_end", Time: time.Now(), Data: []byte("{}")}
}

// store stores a stage of events.
func (i installation) store(t *testing.T, from int) {
	t.Helper()
	i.with(t, func(ctx context.Context, b *rabbitmq.Broker) {
		for n := range stage {
			e := anEvent(fmt.Sprint(from + n))
			err := b.Publish(ctx, e)
			for errors.Is(err, broker.ErrDown) && ctx.Err() == nil { // the first connection can take longer than a publish waits
				err = b.Publish(ctx, e)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// atRisk returns how many queues the plan names.
func (i installation) atRisk(t *testing.T) (n int) {
	t.Helper()
	changes, err := rabbitmq.Plan(t.Context(), i.cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.State == rabbitmq.StateAtRisk && c.Kind == string(broker.RiskMembers) {
			n++
		}
	}
	return n
}

// expectAtRisk waits until the plan names n queues. RabbitMQ's management API tells of a change some seconds later.
func (i installation) expectAtRisk(t *testing.T, when string, n int) {
	t.Helper()
	wait(t, fmt.Sprintf("%s: %d queues at risk", when, n), func() bool { return i.atRisk(t) == n })
}

// wait polls, because RabbitMQ gives no signal.
func wait(t *testing.T, condition string, check func() bool) {
	t.Helper()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for late := time.After(patience); !check(); {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("waited in vain for: %s", condition)
		}
	}
}

// grow gives the queues of the installation members on all nodes, as the plan says.
func (i installation) grow(t *testing.T, c *rabbitnode.Cluster) {
	t.Helper()
	for _, n := range c.Nodes[1:] {
		about, err := n.Broker().About(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		run := func(tool string, args ...string) {
			wait(t, tool, func() bool { // RabbitMQ 3.10 answers coordinator_unavailable for the first minute after the growth
				err := n.Run(t.Context(), tool, args...)
				if err != nil {
					t.Log(err)
				}
				return err == nil
			})
		}
		run("rabbitmq-queues", "grow", about.Node, "all", "--vhost-pattern", "^"+i.vhost+"$", "--queue-pattern", "^hookline")
		for _, stream := range []string{rabbitmq.LedgerStream, rabbitmq.SummaryStream, rabbitmq.PauseStream} {
			run("rabbitmq-streams", "add_replica", "--vhost", i.vhost, stream, about.Node)
		}
	}
}

// A queue that was declared before the cluster grew is on its first node alone, until an operator grows it as the plan says.
func TestTheFirstNodeOfAGrownClusterIsLost(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c, err := rabbitnode.NewCluster(ctx, rabbitnode.Options{Dir: t.TempDir()})
	t.Cleanup(func() { _ = c.Remove() })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Grow(ctx, 1); err != nil {
		t.Fatal(err)
	}
	left, grown := install(t, c), install(t, c)
	queues := len(rabbitmq.NewTopology(left.cfg.Routes).Queues)
	for _, i := range []installation{left, grown} {
		i.store(t, 0)
	}
	if err := c.Grow(ctx, len(c.Nodes)); err != nil {
		t.Fatal(err)
	}
	for _, i := range []installation{left, grown} {
		i.store(t, stage)
		i.expectAtRisk(t, "after the growth", queues)
	}
	grown.grow(t, c)
	grown.expectAtRisk(t, "grown", 0)
	left.expectAtRisk(t, "not grown", queues)
	if err := c.Nodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	grown.expectWaiting(t, 2*stage)
	grown.store(t, 2*stage)
	left.with(t, func(ctx context.Context, b *rabbitmq.Broker) {
		short, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := b.Publish(short, anEvent("refused")); err == nil {
			t.Error("an event is stored in a queue whose only node is gone")
		}
		if found, err := b.Audit(short); err == nil {
			t.Errorf("an audit without its ledger: %+v", found)
		}
	})
	if err := c.Nodes[0].StartAgain(ctx); err != nil {
		t.Fatal(err)
	}
	left.expectWaiting(t, 2*stage)
	grown.expectWaiting(t, 3*stage)
}

// expectWaiting waits until an audit accounts for n waiting events.
func (i installation) expectWaiting(t *testing.T, n int64) {
	t.Helper()
	i.with(t, func(ctx context.Context, b *rabbitmq.Broker) {
		wait(t, fmt.Sprintf("%d events that are accounted for", n), func() bool {
			found, err := b.Audit(ctx)
			t.Logf("%d routes, %d unaccounted, %v", len(found.Routes), found.Unaccounted, err)
			at := slices.IndexFunc(found.Routes, func(r broker.RouteAudit) bool { return r.Route == "a" })
			return err == nil && found.Unaccounted == 0 && at >= 0 && found.Routes[at].Waiting == n
		})
	})
}
