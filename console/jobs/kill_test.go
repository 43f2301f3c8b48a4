package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/pkg/event"
)

// childDir is the environment variable of a copy of this test binary that the test kills.
const childDir = "HOOKLINE_TEST_KILLED_JOBS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		toBeKilled(dir)
		return
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"), // the shared node, which lives as long as the process
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).writerDescriptor.func1"),
	)
}

// toBeKilled does the jobs in a folder, and writes the number of targets that have had their turn after each change.
func toBeKilled(dir string) {
	b, err := embedded.Open(lineConfig(dir), prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	j, err := jobs.Open(dir, jobs.Parts{Undelivered: b, Journal: newMemory(), Routes: []string{"exports"}})
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	go func() {
		for {
			changed := j.Changed()
			if v, err := j.Get(context.Background(), 1); err == nil {
				fmt.Println("acted", v.Counts.Waiting)
			}
			<-changed
		}
	}()
	fmt.Println("ended", j.Run(context.Background()))
}

func lineConfig(dir string) embedded.Config {
	return embedded.Config{Path: filepath.Join(dir, "line.db"), Routes: []broker.Route{exports}}
}

func TestAJobGoesOnAfterKill9(t *testing.T) {
	t.Parallel()
	const n = 1500
	dir := t.TempDir()
	b, err := embedded.Open(lineConfig(dir), prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	makeDead(t, b, exports, newMemory(), errDisk, ids(n)...)
	j := openJobs(t, dir, jobs.Parts{Undelivered: b, Journal: newMemory(), Routes: []string{"exports"}})
	v := start(t, j, plan(t, j, deadExports).ID, jobs.Options{})
	if err := b.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	for kill := range 3 {
		killChild(t, dir, 200+kill*450)
		if v, err := j.Get(patient(t), v.ID); err != nil || v.State != jobs.Running || v.Counts.Total != n {
			t.Fatalf("after kill %d the job is %+v, %v", kill, v, err)
		}
	}
	if b, err = embedded.Open(lineConfig(dir), prometheus.NewRegistry(), zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	m := newMemory()
	after := openJobs(t, dir, jobs.Parts{Undelivered: b, Journal: m, Routes: []string{"exports"}})
	run(t, after)
	await(t, after, v.ID, "all are acted on", func(v jobs.Job) bool { return v.Counts.Waiting == n })
	handled := make(chan string, 2*n)
	consume(t, b, exports, m, func(d event.Delivery) error { handled <- d.Event.ID; return nil })
	v = awaitState(t, after, v.ID, jobs.Finished)
	if v.Counts != (jobs.Counts{Total: n, Done: n}) {
		t.Errorf("the job ended with %+v", v.Counts)
	}
	seen := map[string]bool{}
	for range len(handled) {
		seen[<-handled] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d events were handled", len(seen), n)
	}
}

// killChild lets a child do the jobs until a number of targets have had their turn, and kills it.
func killChild(t *testing.T, dir string, acted int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		var now int
		if _, err := fmt.Sscanf(lines.Text(), "acted %d", &now); err != nil {
			t.Errorf("the child says %q", lines.Text())
			break
		}
		if now >= acted {
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = child.Wait() // killed
}
