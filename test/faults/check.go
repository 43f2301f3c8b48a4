package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hookline/hookline/test/faults/load"
	"github.com/hookline/hookline/test/faults/system"
)

// result is the result of a trial.
type result struct {
	accepted, handled, lost, duplicated int

	gapRefuse, gapSpool time.Duration // the longest time without a 200
	recovery            time.Duration // from the end of the last fault to the first 200 and the first delivery
	unaccounted         string        // the audit's figure
	problems            []string
}

func (r *result) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// check waits until all accepted events are handled, and then checks events, files and processes.
func (t *trial) check(ctx context.Context, before usage, healed time.Time) (r result) {
	settled := t.drained
	if t.plan.loses() {
		settled = t.countDestroyed
	}
	if err := settled(ctx); err != nil {
		r.problem("not everything was handled: %v", err)
	}
	ids := t.load.Accepted()
	r.accepted = len(ids)
	whole := t.files(&r)
	for _, id := range ids {
		if deliveries := t.Sink.Deliveries(id); whole[id] && deliveries > 0 {
			r.handled++
			r.duplicated += deliveries - 1
		}
	}
	if t.plan.fills() {
		t.neighbour(ctx, &r)
	}
	r.lost = r.accepted - r.handled
	if destroyed := int(t.destroyed.Load()); r.lost != destroyed {
		r.problem("%d events were lost, and %d destroyed by hand", r.lost, destroyed)
	}
	r.gapRefuse, r.gapSpool = t.load.LongestGap(system.Refuse), t.load.LongestGap(system.Spool)
	for _, first := range []time.Time{
		t.load.AcceptedAfter(healed, system.Refuse), t.load.AcceptedAfter(healed, system.Spool), t.Sink.NextAfter(healed),
	} {
		r.recovery = max(r.recovery, first.Sub(healed))
	}
	t.audit(ctx, &r)
	t.leaks(ctx, before, &r)
	return r
}

// drained waits until all queues and spools are empty and every accepted event is handled, except for destroyed ones.
func (t *trial) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, backTime, errors.New("the remaining events take too long"))
	defer cancel()
	return system.Eventually(ctx, func() error {
		if missing := t.missing() - int(t.destroyed.Load()); missing > 0 {
			return fmt.Errorf("%d accepted events have not been handled", missing)
		}
		return t.empty(ctx)
	})
}

// countDestroyed waits until all queues and spools are empty. It counts the events that are not handled by then as destroyed.
func (t *trial) countDestroyed(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, backTime, errors.New("the remaining events take too long"))
	defer cancel()
	if err := system.Eventually(ctx, func() error { return t.empty(ctx) }); err != nil {
		return err
	}
	wait(ctx, calm) // for deliveries under way
	t.destroyed.Store(int64(t.missing()))
	return nil
}

// missing returns the number of accepted events that are not handled by both routes yet.
func (t *trial) missing() (count int) {
	for _, id := range t.load.Accepted() {
		if _, err := os.Lstat(t.file(id)); err != nil || t.Sink.Deliveries(id) == 0 {
			count++
		}
	}
	return count
}

// empty returns an error with the number of waiting and dead events by queue and spool.
func (t *trial) empty(ctx context.Context) error {
	queues, err := t.Queues(ctx)
	if err != nil {
		return err
	}
	var waiting []string
	for _, q := range queues {
		if q.Waiting > 0 {
			waiting = append(waiting, fmt.Sprintf("%s: %d", q.Name, q.Waiting))
		}
	}
	for _, p := range t.Receivers {
		metrics, err := p.Metrics(ctx)
		if err != nil {
			return err
		}
		if n := metrics["hookline_spool_waiting"]; n > 0 {
			waiting = append(waiting, fmt.Sprintf("spool of %s: %.0f", p.Name, n))
		}
	}
	if len(waiting) > 0 {
		return errors.New(strings.Join(waiting, ", "))
	}
	return nil
}

func (t *trial) file(id string) string {
	source, _, _ := strings.Cut(id, "-")
	return filepath.Join(t.exported(), source, id+".json")
}

func (t *trial) exported() string { return filepath.Join(t.Export.Path, "files") }

// files checks every exported file: each must be complete, and no other file may exist.
func (t *trial) files(r *result) (whole map[string]bool) {
	whole = map[string]bool{}
	err := filepath.WalkDir(t.exported(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		id, event := strings.CutSuffix(entry.Name(), ".json")
		content, err := os.ReadFile(path)
		switch {
		case err != nil:
			return err
		case !event || path != t.file(id):
			r.problem("%s should not be there", path)
		case !bytes.Equal(content, load.Body(id)):
			r.problem("%s is torn: %d bytes", path, len(content))
		default:
			whole[id] = true
		}
		return nil
	})
	if err != nil {
		r.problem("the exported files cannot be read: %v", err)
	}
	return whole
}
