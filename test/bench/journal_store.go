package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
)

// journalStoreFigures are the figures of test/bench/journal.
type journalStoreFigures struct {
	CPU, Bytes, Open float64
	Lists            map[string]struct{ P50, P95, Most float64 }
	Trickled         float64
}

// journalStoreSection measures the journal's store once: a million events take minutes.
func journalStoreSection(ctx context.Context, b *bench) (r *report, err error) {
	events := b.few(1_000_000)
	dir, err := os.MkdirTemp(b.dir, "journal-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cmd := exec.CommandContext(ctx, b.program("journal"), dir, strconv.FormatInt(events, 10))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var f journalStoreFigures
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, err
	}
	r = &report{}
	slowest := 0.0
	for _, l := range f.Lists {
		slowest = max(slowest, l.P95)
	}
	perCore := 1e6 / f.CPU
	r.least("events taken in on one core, with two attempts each, /s", perCore, 8000, figure(perCore))
	r.most("bytes of the file for an event, all in", f.Bytes, 800, figure(f.Bytes))
	r.most("the slowest list or search while events come in, p95 in ms", slowest, 50, figure(slowest))
	r.most("opening, with the first list, ms", f.Open, 200, figure(f.Open))
	r.table(fmt.Sprintf("Lists and searches of 50 events among %d of 1.2 kB, ms, while %.0f events/s come in.", events, f.Trickled), "list", "p50", "p95", "most")
	for _, name := range slices.Sorted(maps.Keys(f.Lists)) {
		l := f.Lists[name]
		r.row(name, l.P50, l.P95, l.Most)
	}
	return r, nil
}
