package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const (
	// pollEvery is the time between two looks for changes of other processes.
	pollEvery = time.Second
	// problemWait is the time until a job tries again after a problem.
	problemWait = 5 * time.Second
)

// Run does the jobs until ctx ends. Several processes can run it on one folder: one of them works, and another takes over when it ends.
// After a crash Run goes on where the jobs were.
func (j *Jobs) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { j.watch(ctx) })
	lock, err := j.lock(ctx)
	if err != nil || lock == nil {
		return err
	}
	defer lock.Close()
	if j.parts.Journal != nil {
		wg.Go(func() { j.learn(ctx) })
	}
	j.supervise(ctx)
	cancel()
	wg.Wait() // before the lock is released
	return nil
}

// lock waits until this process is the one that does the jobs. The kernel releases the lock when the process ends, however it ends. It
// returns nil after the end of ctx.
func (j *Jobs) lock(ctx context.Context) (*os.File, error) {
	f, err := os.OpenFile(j.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("jobs: %s.lock cannot be opened; give this user write access to its folder: %w", j.path, err)
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("jobs: lock %s: %w", f.Name(), err), f.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, f.Close()
		}
	}
}

// watch announces the changes of other processes.
func (j *Jobs) watch(ctx context.Context) {
	conn, err := j.read.Conn(ctx) // data_version tells of changes by other connections than this one
	if err != nil {
		return
	}
	defer conn.Close()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for before := int64(-1); ; {
		var now int64
		if err := conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&now); err == nil && now != before {
			before = now
			j.announce()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// supervise runs a goroutine for each running job, until ctx ends.
func (j *Jobs) supervise(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex
	working := map[int64]bool{}
	for ctx.Err() == nil {
		changed := j.Changed()
		list, err := j.list(ctx, `WHERE state = 'running' OR id IN (SELECT job FROM tally WHERE state = 'taken' AND n > 0)`)
		if err != nil && ctx.Err() == nil {
			j.parts.Log.Error("the jobs cannot be read; they wait", zap.Error(err))
		}
		for _, v := range list {
			mu.Lock()
			isNew := !working[v.ID]
			working[v.ID] = true
			mu.Unlock()
			if isNew {
				wg.Go(func() {
					j.work(ctx, v.ID)
					mu.Lock()
					delete(working, v.ID)
					mu.Unlock()
					j.announce() // it can have been resumed meanwhile
				})
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// work works on one job until it does not run any more, or ctx ends.
func (j *Jobs) work(ctx context.Context, id int64) {
	w := worker{Jobs: j, id: id}
	for ctx.Err() == nil {
		changed := j.Changed()
		if wait := w.next.Sub(j.parts.Now()); wait > 0 {
			sleep(ctx, changed, wait)
			continue
		}
		more, err := w.step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.next = j.parts.Now().Add(problemWait)
			j.problem(ctx, id, err)
		case !more:
			return
		case w.idle:
			sleep(ctx, changed, w.patience())
		}
	}
}

// sleep waits for a time, or until a change.
func sleep(ctx context.Context, changed <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
}
