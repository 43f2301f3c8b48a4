// Command faults runs Hookline's processes against a real RabbitMQ under load, injects faults, one by one and mixed by a
// seeded random plan, and shows after each that nothing was lost:
//
//	task faults                                   every fault alone, then twenty seeds; writes docs/reliability.md
//	task faults -- -faults 'kill -9' -seeds 0     some faults
//	task faults -- -faults '^$' -seed 7 -seeds 1  one seed again
//
// Odd seeds have one RabbitMQ node, even ones a cluster of three. As root it runs in namespaces of its own, so that its faults
// on disks and packets cannot affect other programs. Without root it skips those faults.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/hookline/hookline/test/faults/alone"
	"github.com/hookline/hookline/test/faults/system"
)

// options are the flags of the command line.
type options struct {
	names    *regexp.Regexp
	together bool
	on       string
	seed     uint64
	seeds    int
	rate     int
	write    string
}

func main() {
	var o options
	names := flag.String("faults", ".", "the faults whose names match this regular expression")
	flag.BoolVar(&o.together, "together", false, "those faults one after the other under one load, instead of each alone")
	flag.StringVar(&o.on, "on", "", "only \"single\" or only \"cluster\"")
	flag.Uint64Var(&o.seed, "seed", 1, "the first seed")
	flag.IntVar(&o.seeds, "seeds", 20, "how many seeds, each a mix of faults")
	flag.IntVar(&o.rate, "rate", 150, "events a second")
	flag.StringVar(&o.write, "write", "", "a page whose table is to be replaced")
	flag.Parse()
	var err error
	code := 1
	if o.names, err = regexp.Compile(*names); err == nil {
		code, err = start(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	os.Exit(code)
}

// envDir names the folder with the binaries that the outer process built for the inner one.
const envDir = "FAULTS_DIR"

// start builds hookline and runs the suite, in namespaces of its own if possible.
func start(o options) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if alone.Inside() {
		if err := alone.Enter(); err != nil {
			return 1, err
		}
		return run(ctx, o, os.Getenv(envDir))
	}
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return 1, err
	}
	for file, movable := range map[string]bool{"hookline": false, "hookline-movable": true} {
		if err := system.Build(ctx, filepath.Join(dir, file), movable); err != nil {
			return 1, err
		}
	}
	if alone.Possible() {
		code, err = alone.Run(envDir + "=" + dir)
	} else {
		code, err = run(ctx, o, dir)
	}
	if code == 0 && err == nil {
		err = os.RemoveAll(dir)
	}
	return code, err
}
