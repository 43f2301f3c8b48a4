// Command bench measures Hookline's cost, compares it with the least possible, and writes docs/performance.md:
//
//	task bench                                  everything, about 20 minutes on two cores
//	task bench -- -only 'receiver|end' -rounds 3   some sections
//	task bench -- -quick                        a first look, a few minutes
//	task bench:scale                            how cost grows
//
// Each system is a process of its own, as is the load generator, against a real RabbitMQ. Systems alternate in each round,
// and figures are medians of the rounds. A ratio is the median of the rounds' ratios, because the machine's speed varies.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/hookline/hookline/test/bench/load"
)

// options are the flags of the command line.
type options struct {
	only    *regexp.Regexp
	rounds  int
	backlog int64
	quick   bool
	scale   bool
	write   string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "load" {
		exit(load.Main(os.Args[2:]))
	}
	var o options
	only := flag.String("only", ".", "the sections, or with -scale the tables, whose names match this regular expression")
	flag.IntVar(&o.rounds, "rounds", 0, "how often each is measured; 0: 5, or 2 with -quick")
	flag.BoolVar(&o.quick, "quick", false, "short loads and few cases, for a first look")
	flag.Int64Var(&o.backlog, "backlog", 100_000, "events in the queue that is emptied under load")
	flag.BoolVar(&o.scale, "scale", false, "how cost grows, instead of the targets; takes long")
	flag.StringVar(&o.write, "write", "", "a page whose figures are to be replaced")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(start(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// section is a part of the page.
type section struct {
	name    string
	measure func(context.Context, *bench) (*report, error)
}

func start(ctx context.Context, o options) error {
	b, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	sections := []section{
		{"receiver", receiverSection},
		{"workers", workersSection},
		{"end to end", endToEndSection},
		{"embedded broker", embeddedSection},
		{"journal", journalSection},
		{"journal store", journalStoreSection},
	}
	if o.scale {
		sections = []section{{"scale", func(ctx context.Context, b *bench) (*report, error) { return scaleSection(ctx, b, o.only) }}}
	}
	for _, s := range sections {
		if !o.scale && !o.only.MatchString(s.name) {
			continue
		}
		if err := b.section(ctx, s, o.write); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (b *bench) section(ctx context.Context, s section, page string) error {
	began := time.Now()
	before, err := busy()
	if err != nil {
		return err
	}
	r, err := s.measure(ctx, b)
	if err != nil {
		return err
	}
	text := r.String() + b.footing(began, before)
	fmt.Printf("## %s\n\n%s\n", s.name, text)
	if page == "" {
		return nil
	}
	return replace(page, s.name, text)
}
