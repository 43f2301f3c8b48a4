//go:build compose

package compose_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// rabbitmqPassword shows the password that the first start made, as docs/how-to/docker-compose.md does.
func (s *stack) rabbitmqPassword(t *testing.T) string {
	t.Helper()
	return s.compose(t, "exec", "--no-TTY", "rabbitmq", "cat", "/run/rabbitmq-password/password")
}

// secrets looks for the passwords where they should not be, and for ways between containers that need none.
func secrets(t *testing.T, s *stack, _ *alma, _ prometheus) {
	made := s.rabbitmqPassword(t)
	ofGrafana := s.compose(t, "exec", "--no-TTY", "grafana", "cat", "/run/grafana-password/password")
	if len(made) < 32 || len(ofGrafana) < 32 || made == ofGrafana {
		t.Errorf("the passwords have %d and %d characters; equal: %v", len(made), len(ofGrafana), made == ofGrafana)
	}
	overview := s.url(t, "rabbitmq", "15672") + "/api/overview"
	for password, want := range map[string]int{made: http.StatusOK, "hookline": http.StatusUnauthorized} {
		if code := login(t, overview, password); code != want {
			t.Errorf("RabbitMQ answers %d, want %d", code, want)
		}
	}
	for name, text := range map[string]string{"the log": s.compose(t, "logs", "--no-color"), "an environment": s.environments(t)} {
		for _, secret := range []string{made, ofGrafana, s.secret} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has a secret", name)
			}
		}
	}
	if err := s.grafanaReads(t, "http://prometheus:9090/-/ready"); err != nil {
		t.Errorf("Grafana does not reach Prometheus: %v", err)
	}
	rabbitmq := s.containers(t, "rabbitmq")[0]
	for _, address := range strings.Fields(inspect(t, rabbitmq, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}")) {
		if s.grafanaReads(t, fmt.Sprintf("http://%s:15672/", address)) == nil {
			t.Errorf("Grafana reaches RabbitMQ at %s", address)
		}
	}
}

func login(t *testing.T, address, password string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("hookline", password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// environments are what `docker inspect` shows to everybody who may ask the engine.
func (s *stack) environments(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, container := range strings.Fields(s.compose(t, "ps", "--all", "--quiet")) {
		all.WriteString(inspect(t, container, "{{.Config.Env}} {{.Config.Cmd}}"))
	}
	return all.String()
}

// grafanaReads reads an address from inside Grafana's container, within seconds.
func (s *stack) grafanaReads(t *testing.T, address string) error {
	t.Helper()
	return s.command(t.Context(), "exec", "--no-TTY", "grafana", "wget", "-q", "-T", "5", "-O", "/dev/null", address).Run()
}

// passwordIsLost takes RabbitMQ's password away from a project that is down, so that its data is that of an older version.
// The next start has to ask for it.
func (s *stack) passwordIsLost(t *testing.T, password string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "docker", "volume", "rm", s.project+"_rabbitmq-password").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := s.command(t.Context(), "run", "--rm", "--no-TTY", "passwords").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "write it into .env as RABBITMQ_PASSWORD") {
		t.Errorf("with RabbitMQ's data and without its password: %v\n%s", err, out)
	}
	s.env = append(s.env, "RABBITMQ_PASSWORD="+password)
}
