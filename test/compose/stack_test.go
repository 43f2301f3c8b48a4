//go:build compose

package compose_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	repository = "../.."
	workers    = 4
)

// images are what docker-compose.yml and the Dockerfile name.
func (s *stack) images(t *testing.T) []string {
	t.Helper()
	named := strings.Fields(s.compose(t, "config", "--images"))
	named = slices.DeleteFunc(named, func(image string) bool { return strings.HasPrefix(image, "hookline:") })
	return append(named, "golang:1.26", "gcr.io/distroless/static-debian13:nonroot")
}

// stack is docker-compose.yml as a project of its own, beside any other on this machine.
type stack struct {
	project, secret string
	env             []string // beside that of the test
}

// up brings the project up as the README says, and takes it down when the test ends.
func up(t *testing.T) *stack {
	t.Helper()
	s := &stack{project: "hookline-test-" + strings.ToLower(rand.Text()[:8])}
	s.prepare(t)
	t.Cleanup(func() { s.tearDown(t) })
	s.start(t, "--build")
	s.secret = strings.Fields(s.compose(t, "run", "--rm", "--no-deps", "-T", "setup", "config", "secret", "--show", "/data/secrets/alma.secret"))[0]
	if log := s.compose(t, "logs", "setup"); strings.Contains(log, s.secret) {
		t.Error("the log of setup has the secret")
	}
	return s
}

// start starts whatever does not run, and waits until all is healthy.
func (s *stack) start(t *testing.T, options ...string) {
	t.Helper()
	began := time.Now()
	args := []string{"up", "--detach", "--wait", "--wait-timeout", "180", "--scale", fmt.Sprint("worker=", workers)}
	s.compose(t, append(args, options...)...)
	t.Logf("up with %d workers and healthy in %.0f s", workers, time.Since(began).Seconds())
}

// prepare makes local stand-ins for the images where no registry can be reached and the script for it lies beside
// the repository.
func (s *stack) prepare(t *testing.T) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(repository, "../shared/offline-images"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(script); errors.Is(err, os.ErrNotExist) {
		return
	}
	if out, err := exec.CommandContext(t.Context(), script, append([]string{"--only"}, s.images(t)...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// tearDown removes everything, after showing what went wrong if something did. The test's own context is over.
func (s *stack) tearDown(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if t.Failed() {
		for _, args := range [][]string{{"ps", "--all"}, {"logs", "--no-color", "--tail", "40"}} {
			out, _ := s.command(ctx, args...).CombinedOutput()
			t.Logf("docker compose %s\n%s", strings.Join(args, " "), out)
		}
	}
	if out, err := s.command(ctx, "down", "--volumes", "--timeout", "10").CombinedOutput(); err != nil {
		t.Errorf("down: %v\n%s", err, out)
	}
	for _, kind := range []string{"container", "volume", "network"} {
		args := []string{kind, "ls", "--quiet", "--filter", "label=com.docker.compose.project=" + s.project}
		if out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("left behind: %s %s (%v)", kind, out, err)
		}
	}
}

func (s *stack) command(ctx context.Context, args ...string) *exec.Cmd {
	all := append([]string{"compose", "--progress", "quiet", "--project-name", s.project}, args...)
	cmd := exec.CommandContext(ctx, "docker", all...)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "HOOKLINE_VERSION=test", // ports are any that are free
		"HOOKLINE_PORT=127.0.0.1:0", "PROMETHEUS_PORT=0", "GRAFANA_PORT=0", "RABBITMQ_MANAGEMENT_PORT=0")
	cmd.Env = append(cmd.Env, s.env...)
	return cmd
}

// compose runs docker compose and returns what it printed.
func (s *stack) compose(t *testing.T, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := s.command(t.Context(), args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker compose %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// url is where a service's port can be reached from here.
func (s *stack) url(t *testing.T, service, port string) string {
	t.Helper()
	return "http://" + s.compose(t, "port", service, port)
}

// containers are the ids of a service's containers.
func (s *stack) containers(t *testing.T, service string) []string {
	t.Helper()
	return strings.Fields(s.compose(t, "ps", "--all", "--quiet", service))
}

// inspect is one field of a container, as a Go template.
func inspect(t *testing.T, container, template string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "inspect", "--format", template, container).CombinedOutput()
	if err != nil {
		t.Fatalf("docker inspect: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// eventually asks until the answer is nil, and fails the test with the last one when the time is over.
func eventually(t *testing.T, limit time.Duration, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %v", limit, err)
		}
	}
}
