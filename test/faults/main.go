// Command faults runs Hookline's processes against a real RabbitMQ under load, injects faults, one by one and mixed by a
// seeded random plan, and shows after each that nothing was lost:
//
//	task faults                                every fault alone, then twenty seeds
//	task faults -- -faults 'kill -9' -seeds 0  some faults
//	task faults -- -faults '' -seed 7          one seed again
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/hookline/hookline/test/faults/system"
	"github.com/hookline/hookline/test/rabbitnode"
)

type options struct {
	names   string
	seed    uint64
	seeds   int
	cluster bool
	rate    int
}

func main() {
	var o options
	flag.StringVar(&o.names, "faults", ".", "run the faults whose names match this regular expression, alone")
	flag.Uint64Var(&o.seed, "seed", 1, "the first seed")
	flag.IntVar(&o.seeds, "seeds", 20, "how many seeds")
	flag.IntVar(&o.rate, "rate", 150, "events a second")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	names, err := regexp.Compile(o.names)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return err
	}
	s := &setup{dir: dir, binary: filepath.Join(dir, "hookline"), movable: filepath.Join(dir, "hookline-movable"), rate: o.rate}
	if err := system.Build(ctx, s.binary, false); err != nil {
		return err
	}
	node, err := rabbitnode.Run(ctx, rabbitnode.Options{Dir: filepath.Join(dir, "node")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.Remove()) }()
	s.nodes = []*rabbitnode.Node{node}
	failed := 0
	fmt.Print(head)
	for _, f := range faults() {
		if !names.MatchString(f.name) {
			continue
		}
		r := row{plan: single(f, o.seed), on: "one node"}
		r.result, r.err = s.try(ctx, r.plan)
		r.say(os.Stdout)
		if r.failed() {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d trials failed", failed)
	}
	return os.RemoveAll(dir)
}
