package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hookline/hookline/test/faults/alone"
	"github.com/hookline/hookline/test/faults/system"
	"github.com/hookline/hookline/test/rabbitnode"
)

// startTime is the maximum time for RabbitMQ to start.
const startTime = 3 * time.Minute

// kind is a RabbitMQ set-up of the suite.
type kind struct {
	on, name string
	start    func(context.Context, string) (*nodes, error)
	seeds    uint64 // the remainder by two of its seeds
	has      need
}

// run runs the trials of the options.
func run(ctx context.Context, o options, dir string) (code int, err error) {
	has := needClock
	if alone.Inside() && system.Disks(ctx, dir) {
		has |= needDisks
	}
	if alone.Inside() && system.Firewall(ctx) {
		has |= needFirewall
	}
	report := &report{out: os.Stdout}
	report.begin()
	for _, k := range []kind{
		{"single", "one node", startSingle, 1, has},
		{"cluster", "three nodes", startCluster, 0, has | needCluster},
	} {
		if o.on != "" && o.on != k.on {
			continue
		}
		if err := k.run(ctx, o.plans(report, k), dir, o.rate, report); err != nil {
			return 1, err
		}
	}
	switch {
	case report.failed > 0:
		return 1, fmt.Errorf("%d of %d trials failed; logs are below %s", report.failed, len(report.rows), dir)
	case o.write != "":
		return 0, report.write(o.write)
	}
	return 0, nil
}

// run runs the plans, one after the other.
func (k kind) run(ctx context.Context, plans []plan, dir string, rate int, report *report) (err error) {
	if len(plans) == 0 {
		return nil
	}
	nodes, err := k.start(ctx, dir)
	defer func() { err = errors.Join(err, nodes.remove()) }()
	if err != nil {
		return fmt.Errorf("start RabbitMQ, %s: %w", k.name, err)
	}
	s := &setup{dir: dir, nodes: nodes.list, rate: rate}
	for _, p := range plans {
		fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), p)
		result, err := s.try(ctx, p)
		report.add(row{plan: p, on: k.name, result: result, err: err})
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// plans returns the trials of the options for one kind of RabbitMQ. It prints the trials that the machine does not allow.
func (o options) plans(r *report, k kind) (plans []plan) {
	var possible, named []fault
	for _, f := range faults() {
		if f.needs&^k.has != 0 {
			if f.needs&needCluster == 0 && o.names.MatchString(f.name) {
				r.leaveOut(f, k.name)
			}
			continue
		}
		possible = append(possible, f)
		if o.names.MatchString(f.name) && (k.has&needCluster == 0 || f.place == atNode || f.place == atNetwork && f.needs&needDisks == 0) {
			named = append(named, f)
		}
	}
	if o.together && len(named) > 0 {
		plans = append(plans, together("all of these", named, o.seed))
	} else {
		for _, f := range named {
			plans = append(plans, single(f, o.seed))
		}
	}
	for seed := o.seed; seed < o.seed+uint64(o.seeds); seed++ {
		if seed%2 == k.seeds {
			plans = append(plans, mixed(seed, possible))
		}
	}
	return plans
}

// nodes are the RabbitMQ nodes of all trials of one kind.
type nodes struct {
	list   []*rabbitnode.Node
	remove func() error
}

// nodeLines are lines of rabbitmq.conf. All events but those of largeEvents are smaller.
func nodeLines() []string { return []string{fmt.Sprintf("max_message_size = %d", maxMessage)} }

func startSingle(ctx context.Context, dir string) (*nodes, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	node, err := rabbitnode.Run(ctx, rabbitnode.Options{Dir: filepath.Join(dir, "node"), Lines: nodeLines()})
	if err != nil {
		return &nodes{remove: func() error { return nil }}, err
	}
	return &nodes{[]*rabbitnode.Node{node}, node.Remove}, nil
}

func startCluster(ctx context.Context, dir string) (*nodes, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	cluster, err := rabbitnode.RunCluster(ctx, rabbitnode.Options{Dir: filepath.Join(dir, "cluster"), Lines: nodeLines()})
	return &nodes{cluster.Nodes, cluster.Remove}, err
}
