//go:build compose

// Package compose_test brings docker-compose.yml up for real, with four workers, and looks at it from outside only:
//
//	bash test/compose/run.sh
//
// It needs Docker with Compose, and root for killing a process in a container.
package compose_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCompose is one story: its steps need what those before them did.
func TestCompose(t *testing.T) {
	s := up(t)
	a := &alma{url: s.url(t, "receiver", "8080") + "/webhooks/alma", secret: s.secret}
	p := prometheus{s.url(t, "prometheus", "9090")}
	steps := []struct {
		name string
		run  func(*testing.T, *stack, *alma, prometheus)
	}{
		{"it answers Alma's handshake and refuses a wrong signature", handshake},
		{"each container knows and reaches what it needs", secrets},
		{"the receiver remembers its RabbitMQ", remembers},
		{"every event becomes exactly one file", oneFileEach},
		{"Prometheus sees four workers and the receiver", targets},
		{"no alert fires while all is well", noAlerts},
		{"a worker killed with events in hand loses none", killed},
		{"without RabbitMQ events are answered 503 in time, and 200 when it is back", lineDown},
		{"every query of the dashboard and every series of the alerts has data", queries},
		{"the alerts pass their own tests", alertTests},
		{"Grafana answers", grafana},
		{"what was accepted outlives `down`, a lost password and `up`", outlives},
		{"everything stops cleanly", stops},
	}
	for _, step := range steps {
		began := time.Now()
		if !t.Run(step.name, func(t *testing.T) { step.run(t, s, a, p) }) {
			return
		}
		t.Logf("%s: %.1f s", step.name, time.Since(began).Seconds())
	}
}

func handshake(t *testing.T, _ *stack, a *alma, _ prometheus) {
	var echo struct{ Challenge string }
	if err := getJSON(t.Context(), a.url+"?challenge=xyz", &echo); err != nil || echo.Challenge != "xyz" {
		t.Errorf("challenge %q, %v", echo.Challenge, err)
	}
	r, err := a.post(t.Context(), jobEnd("1"), sign(jobEnd("2"), a.secret))
	if err != nil || r.code != http.StatusUnauthorized {
		t.Errorf("another body's signature was answered %d, %v", r.code, err)
	}
}

// remembers needs a data folder that the receiver can write, in a container that is read-only otherwise.
func remembers(t *testing.T, s *stack, _ *alma, _ prometheus) {
	if log := s.compose(t, "logs", "--no-color", "receiver"); strings.Contains(log, "data folder cannot be written") {
		t.Error("the receiver cannot write its data folder, so it would not notice another broker.url")
	}
}

func oneFileEach(t *testing.T, s *stack, a *alma, _ prometheus) {
	began := time.Now()
	ids := a.sendMany(t, 500)
	took := time.Since(began)
	ids = append(ids, ids[0]) // Alma repeats itself
	if err := a.send(t.Context(), ids[0]); err != nil {
		t.Error(err)
	}
	eventually(t, 30*time.Second, func() error { return s.delivered(t, ids) })
	t.Logf("500 events answered 200 in %.1f s; all have one file after %.1f s", took.Seconds(), time.Since(began).Seconds())
}

func targets(t *testing.T, _ *stack, _ *alma, p prometheus) {
	eventually(t, 45*time.Second, func() error { return p.has(t.Context(), `sum(up{job="worker"})`, workers) })
	eventually(t, 15*time.Second, func() error { return p.has(t.Context(), `sum(up{job="receiver"})`, 1) })
	eventually(t, 30*time.Second, func() error { return p.has(t.Context(), `sum(up{job="rabbitmq"})`, 1) })
	eventually(t, 30*time.Second, func() error {
		return p.has(t.Context(), `count(sum by (instance) (hookline_worker_deliveries_total{outcome="done"}) > 0)`, workers)
	})
}

func noAlerts(t *testing.T, _ *stack, _ *alma, p prometheus) {
	for _, expr := range alerts(t) {
		eventually(t, 30*time.Second, func() error { return p.none(t.Context(), expr) })
	}
}

// killed stops a worker in its tracks, so that what it was given stays unsettled in its hands, and then kills it.
func killed(t *testing.T, s *stack, a *alma, _ prometheus) {
	victim := s.containers(t, "worker")[workers-1]
	pid := childOf(t, inspect(t, victim, "{{.State.Pid}}"))
	signal(t, pid, syscall.SIGSTOP)
	ids := a.sendMany(t, 100)
	held := len(ids) + 1
	eventually(t, 20*time.Second, func() error { // the others have done theirs when nothing changes any more
		before := held
		if held = s.missing(t, ids); held != before {
			return fmt.Errorf("%d events are still open", held)
		}
		return nil
	})
	if held == 0 {
		t.Error("the stopped worker held nothing: this proves nothing")
	}
	signal(t, pid, syscall.SIGKILL)
	eventually(t, 30*time.Second, func() error { return s.delivered(t, ids) })
	eventually(t, 60*time.Second, func() error {
		if state := inspect(t, victim, "{{.RestartCount}} {{.State.Health.Status}}"); state != "1 healthy" {
			return fmt.Errorf("killed worker: restarts and health are %s", state)
		}
		return nil
	})
	t.Logf("it held %d of %d events; others did them, and it runs again", held, len(ids))
}

// childOf is the worker's process: the container's first is the init that it was given.
func childOf(t *testing.T, pid string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || child <= 1 {
		t.Fatalf("children of process %s: %q, %v", pid, text, err)
	}
	return child
}

func signal(t *testing.T, pid int, what syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, what); err != nil {
		t.Fatalf("%v to the worker (this test must be root on the machine with the Docker engine): %v", what, err)
	}
}

func lineDown(t *testing.T, s *stack, a *alma, p prometheus) {
	s.compose(t, "stop", "rabbitmq")
	id := a.nextID()
	body := jobEnd(id)
	for range 3 {
		r, err := a.post(t.Context(), body, sign(body, a.secret))
		if err != nil || r.code != http.StatusServiceUnavailable || r.retryAfter == "" || r.took > 5*time.Second {
			t.Fatalf("without RabbitMQ: %+v, %v", r, err)
		}
		t.Logf("without RabbitMQ: %d, Retry-After %s, after %v", r.code, r.retryAfter, r.took.Round(time.Millisecond))
	}
	var echo struct{ Challenge string }
	if err := getJSON(t.Context(), a.url+"?challenge=down", &echo); err != nil || echo.Challenge != "down" {
		t.Errorf("handshake without RabbitMQ: %q, %v", echo.Challenge, err)
	}
	notStored := alerts(t)["HooklineEventsNotStored"]
	eventually(t, 45*time.Second, func() error { return p.some(t.Context(), notStored) })
	s.compose(t, "start", "rabbitmq")
	began := time.Now()
	eventually(t, time.Minute, func() error { return a.send(t.Context(), id) })
	back := time.Since(began)
	eventually(t, time.Minute, func() error { return s.delivered(t, []string{id}) })
	t.Logf("200 again %.1f s after the start of RabbitMQ; the event has its file after %.1f s", back.Seconds(), time.Since(began).Seconds())
}

func queries(t *testing.T, _ *stack, a *alma, p prometheus) {
	a.sendMany(t, 20)
	exprs := dashboardQueries(t)
	all := alerts(t)
	for _, expr := range all { // an alert has data only when it fires; what it looks at always has
		exprs = append(exprs, slices.DeleteFunc(selector.FindAllString(expr, -1), configured.MatchString)...)
	}
	for _, expr := range exprs {
		eventually(t, 45*time.Second, func() error { return p.some(t.Context(), expr) })
	}
	loaded, err := p.rules(t.Context())
	if err != nil || loaded != len(all) {
		t.Errorf("%d of %d alerts are loaded: %v", loaded, len(all), err)
	}
	t.Logf("%d queries and series, %d alerts", len(exprs), len(all))
}

func alertTests(t *testing.T, s *stack, _ *alma, _ prometheus) {
	s.compose(t, "exec", "--no-TTY", "prometheus", "promtool", "test", "rules", "/etc/prometheus/alerts_test.yml")
}

func grafana(t *testing.T, s *stack, _ *alma, _ prometheus) {
	var health struct{ Database, Commit string }
	if err := getJSON(t.Context(), s.url(t, "grafana", "3000")+"/api/health", &health); err != nil || health.Database != "ok" {
		t.Errorf("%+v, %v", health, err)
	}
	t.Logf("%+v", health)
}

// outlives needs RabbitMQ's volume and its fixed host name: without either the queue would be a new one.
func outlives(t *testing.T, s *stack, a *alma, _ prometheus) {
	s.compose(t, "stop", "worker")
	ids := a.sendMany(t, 20)
	password := s.rabbitmqPassword(t)
	s.compose(t, "down")
	s.passwordIsLost(t, password)
	s.start(t)
	a.url = s.url(t, "receiver", "8080") + "/webhooks/alma"
	eventually(t, 30*time.Second, func() error { return s.delivered(t, ids) })
}

func stops(t *testing.T, s *stack, _ *alma, _ prometheus) {
	s.compose(t, "stop", "worker", "receiver")
	for _, container := range append(s.containers(t, "worker"), s.containers(t, "receiver")...) {
		if code := inspect(t, container, "{{.State.ExitCode}}"); code != "0" {
			out, _ := exec.CommandContext(t.Context(), "docker", "logs", "--tail", "5", container).CombinedOutput()
			t.Errorf("%s ended with %s\n%s", strings.TrimPrefix(inspect(t, container, "{{.Name}}"), "/"), code, out)
		}
	}
}
