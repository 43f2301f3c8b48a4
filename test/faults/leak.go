package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/test/faults/system"
)

const (
	goroutines = "go_goroutines"
	memory     = "process_resident_memory_bytes"

	// The spare values are the tolerated growth of a process.
	spareGoroutines = 10
	spareMemory     = 64 << 20
)

// usage holds the resources of each process, by its name.
type usage map[string]map[string]float64

// warm lets every process do some work, so that its caches are filled, and then measures its usage.
func (t *trial) warm(ctx context.Context, rate int) (usage, error) {
	var err error
	if t.load, err = t.sender("warm", rate); err != nil {
		return nil, err
	}
	t.load.Start(ctx)
	<-time.After(warmUp)
	t.load.Stop()
	if err := t.drained(ctx); err != nil {
		return nil, err
	}
	return t.usage(ctx)
}

func (t *trial) usage(ctx context.Context) (usage, error) {
	all := usage{}
	for _, p := range t.Processes() {
		metrics, err := p.Metrics(ctx)
		if err != nil {
			return nil, err
		}
		all[p.Name] = metrics
	}
	return all, nil
}

// leaks waits until the usage of every process is as before.
func (t *trial) leaks(ctx context.Context, before usage, r *result) {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("a leak"))
	defer cancel()
	err := system.Eventually(ctx, func() error {
		now, err := t.usage(ctx)
		if err != nil {
			return err
		}
		for name, metrics := range now {
			if was, is := before[name][goroutines], metrics[goroutines]; is > was+spareGoroutines {
				return fmt.Errorf("%s: %.0f goroutines instead of %.0f", name, is, was)
			}
			if was, is := before[name][memory], metrics[memory]; is > was+spareMemory {
				return fmt.Errorf("%s: %.0f MB instead of %.0f", name, is/1e6, was/1e6)
			}
		}
		return nil
	})
	if err != nil {
		r.problem("%v", err)
	}
}
