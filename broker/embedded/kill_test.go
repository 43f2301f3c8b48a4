package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// childPath is the environment variable of a copy of this test binary that the test kills.
const childPath = "HOOKLINE_TEST_KILLED_LINE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		toBeKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}

var killed = embedded.Config{Duplicates: time.Hour, Routes: []broker.Route{archive(4), {Name: "second", Match: []string{"alma.#"}, Concurrency: 4}}}

// toBeKilled publishes and consumes until it is killed. It writes "stored ID" to its standard output after a confirmed publish, and "done
// ROUTE ID" before an Ack. A written line of this output survives the kill.
func toBeKilled(path string) {
	cfg := killed
	cfg.Path = path
	sqlite, err := embedded.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				id := fmt.Sprintf("%d-%d", os.Getpid(), next.Add(1))
				if err := sqlite.Publish(context.Background(), sample(id, []byte(id))); err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println("stored", id)
			}
		})
	}
	for _, r := range cfg.Routes {
		wg.Go(func() {
			_ = sqlite.Consume(context.Background(), r, func(_ context.Context, d event.Delivery) broker.Outcome {
				switch {
				case d.Attempt == 1 && rand.N(10) == 0:
					return broker.Retry(rand.N(50*time.Millisecond), "error", errors.New("try again"))
				case rand.N(20) == 0:
					return broker.GiveUp("permanent", errors.New("never"))
				}
				fmt.Println("done", d.Route, d.Event.ID)
				return broker.Ack()
			})
		})
	}
	wg.Wait()
}

func TestStoredEventsSurviveKill9(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "line.db")
	stored, done := map[string]bool{}, map[string]bool{}
	for range 4 {
		killChild(t, path, 500+rand.N(3000), stored, done)
	}
	cfg := killed
	cfg.Path = path
	sqlite := open(t, cfg)
	expectTallies(t, path)
	for _, r := range cfg.Routes {
		rest := remaining(t, path, sqlite, r)
		for id := range stored {
			if key := r.Name + " " + id; !done[key] && !rest[id] {
				t.Errorf("%s: stored, not done, and not there", key)
			}
		}
	}
	for id := range stored {
		if err := sqlite.Publish(t.Context(), sample(id, []byte(id))); !errors.Is(err, broker.ErrDuplicate) {
			t.Fatalf("a repeat of %s: %v", id, err)
		}
	}
	t.Logf("%d events stored, %d deliveries done before a kill", len(stored), len(done))
	expectTallies(t, path)
}

// killChild lets a child work on the broker until it has written a number of lines, kills it, and keeps the lines.
func killChild(t *testing.T, path string, lines int, stored, done map[string]bool) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path)
	child.Stderr = os.Stderr
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(said)
	for n := 0; scanner.Scan(); n++ {
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		verb, id, _ := strings.Cut(scanner.Text(), " ")
		switch verb {
		case "stored":
			stored[id] = true
		case "done":
			done[id] = true
		default:
			t.Errorf("the child says %q", scanner.Text())
		}
	}
	if err := child.Wait(); err == nil {
		t.Error("the child ended before it was killed")
	}
}

// remaining handles all events of a route, and adds its dead letters.
func remaining(t *testing.T, path string, sqlite *embedded.Broker, r broker.Route) map[string]bool {
	t.Helper()
	rest := map[string]bool{}
	ctx := t.Context()
	var mu sync.Mutex
	ended := make(chan error, 1)
	stopped, stop := context.WithCancel(ctx)
	go func() {
		ended <- sqlite.Consume(stopped, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			mu.Lock()
			defer mu.Unlock()
			rest[d.Event.ID] = true
			return broker.Ack()
		})
	}()
	db := database(t, path)
	await(ctx, t, func() bool { // Queues counts too few for a moment while an outcome is written
		var work int
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM delivery WHERE state = 'work' AND route = ?", r.Name).Scan(&work)
		return err == nil && work == 0
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	dead, next, err := sqlite.List(ctx, r.Name, broker.Page{Limit: 10_000})
	if err != nil || next != "" {
		t.Errorf("dead letters: %v, and more after %q", err, next)
	}
	for _, d := range dead {
		rest[d.Event.ID] = true
	}
	return rest
}
