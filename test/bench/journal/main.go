// Command journal measures the journal's store: events taken in on one core, bytes of the file, lists and searches while events come in, and
// the time to open. It prints one JSON object. Its arguments are a folder, and the number of events.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

const (
	batchEvents = 170 // of 1.5 kB each: 256 KiB
	trickle     = 500 // events/s while lists are read
	rounds      = 100 // of each list
)

// figures are the results. Times of lists are in ms.
type figures struct {
	Events    int
	CPU       float64 // us an event
	Wall      float64 // us an event
	Bytes     float64 // an event, all in
	Open      float64 // ms
	Lists     map[string]percentiles
	Trickled  float64 // events/s while lists were read
	Transient int64   // bytes of the log at the end
}

type percentiles struct{ P50, P95, Most float64 }

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 2 {
		return errors.New("usage: journal FOLDER EVENTS")
	}
	events, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	f := figures{Events: events, Lists: map[string]percentiles{}}
	m := &maker{random: rand.New(rand.NewPCG(1, 2)), at: time.Now().Add(-time.Duration(events) * 10 * time.Millisecond)} //nolint:gosec // figures want the same events each time
	cfg := journal.Config{Dir: args[0]}
	s, err := journal.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		return err
	}
	if err := fill(ctx, s, m, events, &f); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(args[0], "journal.db"))
	if err != nil {
		return err
	}
	f.Bytes = float64(info.Size()) / float64(events)
	began := time.Now()
	if s, err = journal.Open(cfg, prometheus.NewRegistry(), zap.NewNop()); err != nil {
		return err
	}
	if _, _, err := s.Events(ctx, journal.Filter{}, journal.Page{}); err != nil {
		return err
	}
	f.Open = ms(time.Since(began))
	if err := read(ctx, s, m, &f); err != nil {
		return err
	}
	if log, err := os.Stat(filepath.Join(args[0], "journal.db-wal")); err == nil {
		f.Transient = log.Size()
	}
	return errors.Join(s.Close(), json.NewEncoder(os.Stdout).Encode(f))
}

// fill appends the events in batches; the attempts of a batch come in the next one, from another process.
func fill(ctx context.Context, s *journal.Store, m *maker, events int, f *figures) error {
	var cpu time.Duration
	began := time.Now()
	for n := 0; n < events; n += batchEvents {
		stored, ended := m.batch(min(batchEvents, events-n))
		before := used()
		if err := s.Append(ctx, stored); err != nil {
			return err
		}
		if err := s.Append(ctx, ended); err != nil {
			return err
		}
		cpu += used() - before
		if n/batchEvents%500 == 499 {
			fmt.Fprintf(os.Stderr, "%d events: %.0f us of CPU each\n", n, us(cpu)/float64(n+batchEvents))
		}
	}
	f.CPU, f.Wall = us(cpu)/float64(events), us(time.Since(began))/float64(events)
	return nil
}

// read reads lists while events come in.
func read(ctx context.Context, s *journal.Store, m *maker, f *figures) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	var failed error
	taken, began := 0, time.Now()
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // as above
	lists := m.lists(random)
	wait.Go(func() {
		tick := time.NewTicker(time.Second / 2)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			stored, ended := m.batch(trickle / 2)
			if failed = errors.Join(s.Append(context.WithoutCancel(ctx), stored), s.Append(context.WithoutCancel(ctx), ended)); failed != nil {
				return
			}
			taken += trickle / 2
		}
	})
	err := func() error {
		for _, l := range lists {
			var times []float64
			for range rounds {
				filter := l.filter()
				began := time.Now()
				if err := l.read(ctx, s, filter); err != nil {
					return fmt.Errorf("%s: %w", l.name, err)
				}
				times = append(times, ms(time.Since(began)))
			}
			slices.Sort(times)
			f.Lists[l.name] = percentiles{times[rounds/2], times[rounds*95/100], times[rounds-1]}
			fmt.Fprintf(os.Stderr, "%s: %+v\n", l.name, f.Lists[l.name])
		}
		return nil
	}()
	f.Trickled = float64(taken) / time.Since(began).Seconds()
	cancel()
	wait.Wait()
	return errors.Join(err, failed)
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// used returns the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
