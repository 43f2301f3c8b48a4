package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/test/faults/load"
	"github.com/hookline/hookline/test/faults/system"
	"github.com/hookline/hookline/test/rabbitnode"
)

const (
	// patience limits every wait on a busy machine.
	patience = 90 * time.Second
	// backTime limits the handling of the remaining events after all faults.
	backTime = 2 * time.Minute
	// calm is the duration of the load after the last fault.
	calm = 2 * time.Second
	// warmUp is the duration of the load before the first measurement of memory.
	warmUp = time.Second
)

// setup is shared by all trials of one kind.
type setup struct {
	dir   string // holds hookline, and hookline-movable with a movable clock
	nodes []*rabbitnode.Node
	rate  int // events a second
}

// trial is one run of a plan on an installation of its own.
type trial struct {
	*system.System
	plan      plan
	load      *load.Load
	random    *rand.Rand    // of the current step
	destroyed *atomic.Int64 // events that a fault destroyed as an operator can
}

// try runs plan p and returns its result.
func (s *setup) try(ctx context.Context, p plan) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp(s.dir, "trial-")
	if err != nil {
		return result{}, err
	}
	binary := filepath.Join(s.dir, "hookline")
	if p.needs()&needClock != 0 {
		binary = filepath.Join(s.dir, "hookline-movable")
	}
	opened, err := system.Open(ctx, system.Config{
		Dir: dir, Binary: binary, Nodes: s.nodes, Receivers: 2, Workers: 3, Disks: p.needs()&needDisks != 0,
	})
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		err = errors.Join(err, opened.Close(closing))
		if err == nil && len(r.problems) == 0 {
			err = os.RemoveAll(dir)
		} else {
			r.problems = append(r.problems, "logs are in "+dir)
		}
	}()
	if err != nil {
		return result{}, err
	}
	t := &trial{System: opened, plan: p, destroyed: &atomic.Int64{}}
	return t.run(ctx, s.rate)
}

func (t *trial) run(ctx context.Context, rate int) (result, error) {
	before, err := t.warm(ctx, rate)
	if err != nil {
		return result{}, fmt.Errorf("before the faults: %w", err)
	}
	if t.load, err = t.sender("main", rate); err != nil {
		return result{}, err
	}
	t.load.Start(ctx)
	healed, err := t.carryOut(ctx)
	if err == nil {
		err = t.recovered(ctx, healed)
	}
	if err == nil {
		<-time.After(calm)
	}
	t.load.Stop()
	if err != nil {
		return result{}, err
	}
	return t.check(ctx, before, healed), nil
}

// sender makes a load.
func (t *trial) sender(name string, rate int) (*load.Load, error) {
	var receivers []string
	for _, p := range t.Receivers {
		receivers = append(receivers, p.Listen)
	}
	return load.New(load.Config{
		Name: name, Receivers: receivers, Sources: []string{system.Refuse, system.Spool}, Secret: system.Secret, Rate: rate,
	})
}

// quiet stops the load, waits until all events are handled, calls do, and starts the load again.
func (t *trial) quiet(ctx context.Context, do func() error) error {
	t.load.Stop()
	if err := t.drained(ctx); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	t.load.Start(context.WithoutCancel(ctx)) // ctx is the step's
	return nil
}

// carryOut runs all steps, those of one place one after the other. It returns when the last one is healed.
func (t *trial) carryOut(ctx context.Context) (healed time.Time, err error) {
	began := time.Now()
	places := map[place][]step{}
	for _, s := range t.plan.steps {
		places[s.place] = append(places[s.place], s)
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for _, steps := range places {
		group.Go(func() error {
			for _, s := range steps {
				if !wait(ctx, time.Until(began.Add(s.at))) {
					return ctx.Err()
				}
				end, err := t.step(ctx, s)
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				mu.Lock()
				if end.After(healed) {
					healed = end
				}
				mu.Unlock()
			}
			return nil
		})
	}
	err = group.Wait()
	return healed, err
}

// step injects a fault and heals it.
func (t *trial) step(ctx context.Context, s step) (healed time.Time, err error) {
	own := *t
	own.random = rand.New(rand.NewPCG(s.seed, 0))
	heal, err := s.inject(ctx, &own)
	if err != nil {
		return time.Time{}, fmt.Errorf("inject: %w", err)
	}
	wait(ctx, s.hold)
	healed = time.Now()
	if heal != nil {
		healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if err := heal(healing); err != nil {
			return time.Time{}, fmt.Errorf("heal: %w", err)
		}
		healed = time.Now()
	}
	return healed, nil
}

// recovered waits until both sources' new events are answered 200 and deliveries arrive again.
func (t *trial) recovered(ctx context.Context, healed time.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the installation does not recover"))
	defer cancel()
	return system.Eventually(ctx, func() error {
		switch {
		case t.load.AcceptedAfter(healed, system.Refuse).IsZero(), t.load.AcceptedAfter(healed, system.Spool).IsZero():
			return fmt.Errorf("no 200; other answers: %v", t.load.Others())
		case t.Sink.NextAfter(healed).IsZero():
			return errors.New("no delivery")
		}
		return nil
	})
}

// wait returns true after d, or false if ctx ends earlier.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
