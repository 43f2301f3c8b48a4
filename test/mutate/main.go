// Command mutate measures whether the tests would notice a fault. It changes one place of the code at a time, chosen by a seed,
// and runs the tests of the changed package. A change that every test passes has survived: a test is missing, or the change
// makes no difference, which equivalent.txt then explains.
//
//	go run ./test/mutate                         # 200 changes in the packages of quick tests, about ten minutes
//	go run ./test/mutate -n 50 -seed 7 ./worker  # 50 changes in one package
//	go run ./test/mutate -list ./worker          # every possible change, untested
//
// It leaves the sources alone, because it gives the changed file to the go command as an overlay. Its exit code is 1 only if it
// cannot work; it prints the share of noticed changes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// quick are the packages whose tests end within seconds and need no RabbitMQ.
var quick = []string{
	"./pkg/signature", "./pkg/event", "./pkg/privacy", "./pkg/durable", "./pkg/text", "./pkg/handler", "./pkg/setting",
	"./broker", "./broker/ledger", "./broker/spool", "./broker/embedded", "./worker", "./receiver", "./schedule",
	"./handlers/...", "./alma/marc", "./app/config", "./cli",
}

type options struct {
	packages []string
	seed     uint64
	count    int
	parallel int
	timeout  time.Duration
	list     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	packages, err := load(ctx, o.packages)
	if err != nil {
		return err
	}
	mutants, err := findMutants(packages)
	if err != nil {
		return err
	}
	if o.list {
		for _, m := range mutants {
			fmt.Fprintln(w, m)
		}
		return nil
	}
	known, err := readEquivalent(equivalentText)
	if err != nil {
		return err
	}
	results, err := test(ctx, w, sample(mutants, o.seed), known, o)
	if err != nil {
		return err
	}
	return printReport(w, results, o.seed)
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	flags.Uint64Var(&o.seed, "seed", 1, "chooses the changes")
	flags.IntVar(&o.count, "n", 200, "how many changes that compile")
	flags.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "how many are tested at once")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "the time for the tests of one change; a change that exceeds it is noticed")
	flags.BoolVar(&o.list, "list", false, "print every possible change instead")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: go run ./test/mutate [flags] [PACKAGE...]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.packages = flags.Args(); len(o.packages) == 0 {
		o.packages = quick
	}
	return o, nil
}
