package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// service is one of docker-compose.yml.
type service struct {
	Image       string
	Networks    []string
	NetworkMode string `yaml:"network_mode"`
	MemLimit    string `yaml:"mem_limit"`
	Volumes     []string
}

func services(t *testing.T) map[string]service {
	t.Helper()
	var file struct{ Services map[string]service }
	if err := yaml.Unmarshal([]byte(read(t, "../docker-compose.yml")), &file); err != nil || len(file.Services) < 5 {
		t.Fatalf("%d services, %v", len(file.Services), err)
	}
	return file.Services
}

// mounting are the services that mount a volume, in the order of their names.
func mounting(all map[string]service, volume string) (names []string) {
	for name, s := range all {
		if slices.ContainsFunc(s.Volumes, func(v string) bool { return strings.HasPrefix(v, volume+":") }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestComposeGivesEachServiceWhatItNeeds(t *testing.T) {
	t.Parallel()
	all := services(t)
	version := regexp.MustCompile(`:\$\{\w+:-v?\d+\.\d+\.\d+(-management)?\}$`)
	for name, s := range all {
		if s.MemLimit == "" {
			t.Errorf("%s has no limit of memory", name)
		}
		if len(s.Networks) == 0 && s.NetworkMode != "none" {
			t.Errorf("%s is in the network of all services", name)
		}
		if !strings.HasPrefix(s.Image, "hookline:") && !version.MatchString(s.Image) {
			t.Errorf("%s: %s has no version", name, s.Image)
		}
	}
	for volume, want := range map[string][]string{
		"secrets":           {"receiver", "setup"},
		"data":              {"receiver"},
		"spool":             {"receiver"},
		"rabbitmq-password": {"passwords", "rabbitmq", "receiver", "worker"},
		"grafana-password":  {"grafana", "passwords"},
	} {
		if got := mounting(all, volume); !slices.Equal(got, want) {
			t.Errorf("%q mount %s, want %q", got, volume, want)
		}
	}
	for _, network := range all["grafana"].Networks {
		if slices.Contains(all["rabbitmq"].Networks, network) {
			t.Errorf("Grafana reaches RabbitMQ in the network %s", network)
		}
	}
}

// stored are the folders that deployments/passwords.sh works on.
type stored struct{ rabbitmq, grafana, node string }

// make runs the script as a start of Compose does, and returns its output.
func (s stored) make(t *testing.T, env ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "../deployments/passwords.sh", s.rabbitmq, s.grafana, s.node)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// passwords are those of RabbitMQ and of Grafana.
func (s stored) passwords(t *testing.T) [2]string {
	t.Helper()
	return [2]string{strings.TrimSpace(read(t, s.rabbitmq+"/password")), strings.TrimSpace(read(t, s.grafana+"/password"))}
}

func TestComposeMakesPasswordsOnce(t *testing.T) {
	t.Parallel()
	s := stored{t.TempDir(), t.TempDir(), t.TempDir()}
	out, err := s.make(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := s.passwords(t)
	if len(first[0]) != 48 || len(first[1]) != 48 || first[0] == first[1] {
		t.Errorf("the passwords have %d and %d characters; equal: %v", len(first[0]), len(first[1]), first[0] == first[1])
	}
	if strings.Contains(out, first[0]) || strings.Contains(out, first[1]) || !strings.Contains(out, "docker compose exec rabbitmq cat") {
		t.Errorf("the output shows a password, or does not tell how to:\n%s", out)
	}
	if out, err = s.make(t, "RABBITMQ_PASSWORD=", "GRAFANA_PASSWORD="); err != nil || s.passwords(t) != first {
		t.Errorf("the second start makes other passwords: %v\n%s", err, out)
	}
	if out, err = s.make(t, "RABBITMQ_USER=me", "RABBITMQ_PASSWORD=mine", "GRAFANA_PASSWORD=my own"); err != nil || s.passwords(t) != [2]string{"mine", "my own"} {
		t.Errorf("the passwords of .env do not come first: %v\n%s", err, out)
	}
	if url := read(t, s.rabbitmq+"/url"); url != "amqp://me:mine@rabbitmq:5672/\n" {
		t.Errorf("the address is %q", url)
	}
	if conf := read(t, s.rabbitmq+"/rabbitmq.conf"); conf != "default_user = me\ndefault_pass = mine\n" {
		t.Errorf("RabbitMQ reads %q", conf)
	}
}

// TestComposeAsksForThePasswordOfAnOlderVolume has the data folder of a node whose password no volume knows.
func TestComposeAsksForThePasswordOfAnOlderVolume(t *testing.T) {
	t.Parallel()
	s := stored{t.TempDir(), t.TempDir(), t.TempDir()}
	if err := os.Mkdir(filepath.Join(s.node, "mnesia"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := s.make(t); err == nil || !strings.Contains(out, "write it into .env as RABBITMQ_PASSWORD") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := s.make(t, "RABBITMQ_PASSWORD=hook@line"); err == nil || !strings.Contains(out, "letters and digits only") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, env := range []string{"RABBITMQ_PASSWORD=hookline", "RABBITMQ_PASSWORD="} { // once it is known, .env may lack it
		if out, err := s.make(t, env); err != nil || s.passwords(t)[0] != "hookline" {
			t.Errorf("%s: %v\n%s", env, err, out)
		}
	}
}
