package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// The verdicts on a mutant.
const (
	noticed    = "noticed"
	timedOut   = "noticed by a time limit"
	survived   = "survived"
	equivalent = "equivalent"
	notBuilt   = "does not compile"
)

type result struct {
	mutant
	verdict string
}

// test tests mutants, several at once, until enough of them compiled. It prints each survivor when it is found.
func test(ctx context.Context, w io.Writer, mutants []mutant, known map[string]string, o options) ([]result, error) {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	next := make(chan mutant)
	enough, stop := context.WithCancel(ctx)
	defer stop()
	var (
		group   errgroup.Group
		mu      sync.Mutex
		results []result
	)
	for i := range o.parallel {
		folder := filepath.Join(dir, fmt.Sprint(i))
		group.Go(func() error {
			for m := range next {
				verdict, err := verdict(ctx, m, known, folder, o.timeout)
				if err != nil {
					stop()
					return err
				}
				mu.Lock()
				if verdict != notBuilt && len(results) < o.count {
					if results = append(results, result{m, verdict}); verdict == survived {
						fmt.Fprintf(w, "survived %d: %s\n", len(results), m)
					}
				}
				full := len(results) >= o.count
				mu.Unlock()
				if full {
					stop()
				}
			}
			return nil
		})
	}
	feed(enough, next, mutants)
	return results, errors.Join(group.Wait(), ctx.Err())
}

// feed hands out the mutants until ctx ends.
func feed(ctx context.Context, next chan<- mutant, mutants []mutant) {
	defer close(next)
	for _, m := range mutants {
		select {
		case next <- m:
		case <-ctx.Done():
			return
		}
	}
}

// verdict builds and runs the tests of the mutant's package, with the race detector where a lock is removed.
func verdict(ctx context.Context, m mutant, known map[string]string, dir string, timeout time.Duration) (string, error) {
	if known[relative(m.file)+": "+m.change()] != "" {
		return equivalent, nil
	}
	overlay, err := writeOverlay(m, dir)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "tests")
	build := []string{"test", "-c", "-vet=off", "-overlay", overlay, "-o", binary}
	if m.kind == unlocked {
		build = append(build, "-race")
	}
	if err := exec.CommandContext(ctx, "go", append(build, m.pkg.ImportPath)...).Run(); err != nil {
		return notBuilt, ctx.Err()
	}
	return runTests(ctx, binary, m.pkg.Dir, timeout)
}

// runTests runs a test binary. It kills the binary and its children when the time is over.
func runTests(ctx context.Context, binary, dir string, timeout time.Duration) (string, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, binary, "-test.failfast", "-test.short")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case limited.Err() != nil:
		return timedOut, nil
	case err != nil:
		return noticed, nil
	}
	return survived, nil
}

// writeOverlay writes the changed file and the overlay that puts it in the place of the original.
func writeOverlay(m mutant, dir string) (string, error) {
	text, err := m.apply()
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {m.file: changed}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(changed, text, 0o600),
		os.WriteFile(overlay, replace, 0o600),
	)
}
