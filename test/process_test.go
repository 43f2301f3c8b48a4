package test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait of a test on a busy machine.
const patience = 2 * time.Minute

// binary builds cmd/hookline once for all tests of this package, with the race detector.
var binary = sync.OnceValues(func() (string, error) {
	if err := os.Mkdir(programs, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(programs, "hookline")
	out, err := exec.Command("go", "build", "-race", "-o", file, "../cmd/hookline").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return file, nil
})

// programs is the folder of the binary. It exists after the first call of binary.
var programs = filepath.Join(os.TempDir(), "hookline-test-"+rand.Text())

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// folder is the working directory of a test's processes, with their environment.
type folder struct {
	dir string
	env []string
}

func newFolder(t *testing.T, env ...string) folder {
	t.Helper()
	base := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "HOOKLINE_LISTEN=127.0.0.1:0", "HOOKLINE_PRIVATE_LISTEN=127.0.0.1:0"}
	return folder{dir: t.TempDir(), env: slices.Concat(base, sampleSecrets(), env)}
}

// sampleSecrets sets the variables of the secrets that samples, examples and pages name.
func sampleSecrets() (env []string) {
	for _, name := range []string{
		"ALMA_WEBHOOK_SECRET", "ALMA_SANDBOX_SECRET", "GITHUB_WEBHOOK_SECRET", "SHOP_WEBHOOK_SECRET", "PINGER_TOKEN",
		"ALMA_API_KEY", "HOOK_TOKEN", "TWILIO_TOKEN", "SMTP_PASSWORD", "RABBITMQ_PASSWORD", "S3_KEY", "S3_SECRET",
	} {
		env = append(env, name+"=first-test-secret")
	}
	return env
}

func (f folder) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f folder) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, append([]string{"--log-format", "json"}, args...)...)
	cmd.Dir, cmd.Env = f.dir, f.env
	return cmd
}

// result is the exit code and the output of a command.
type result struct {
	code           int
	stdout, stderr string
}

// run runs a command and returns its result.
func (f folder) run(t *testing.T, args ...string) result {
	t.Helper()
	cmd := f.command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// process is a running hookline. The end of the test kills it.
type process struct {
	cmd    *exec.Cmd
	lines  chan map[string]any // its log
	ended  chan struct{}
	stdout bytes.Buffer
	stderr bytes.Buffer // its log, to be read after its end
	listen string
	// private is the address of metrics and health.
	private string
}

// start starts a role and waits until it logs that it has started. Earlier log lines stay available to log.
func (f folder) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := f.launch(t, args...)
	before, started := p.search(t, "started")
	for _, line := range before {
		p.lines <- line
	}
	p.listen, _ = started["listen"].(string)
	p.private, _ = started["private_listen"].(string)
	return p
}

// launch starts a role.
func (f folder) launch(t *testing.T, args ...string) *process {
	t.Helper()
	return f.launchCommand(t, f.command(t, args...))
}

// launchCommand starts a role by its command line, in the folder and with its environment.
func (f folder) launchCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.Dir, cmd.Env = f.dir, f.env
	p := &process{cmd: cmd, lines: make(chan map[string]any, 10_000), ended: make(chan struct{})}
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(bufio.NewScanner(stderr))
	t.Cleanup(p.kill)
	return p
}

func (p *process) read(lines *bufio.Scanner) {
	for lines.Scan() {
		p.stderr.Write(append(lines.Bytes(), '\n'))
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			line = map[string]any{"msg": lines.Text()}
		}
		p.lines <- line
	}
	_ = p.cmd.Wait()
	close(p.ended)
}

// log waits for a log line with the message.
func (p *process) log(t *testing.T, message string) map[string]any {
	t.Helper()
	_, line := p.search(t, message)
	return line
}

// search is log, and also returns the lines before.
func (p *process) search(t *testing.T, message string) (before []map[string]any, found map[string]any) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case line := <-p.lines:
			if line["msg"] == message {
				return before, line
			}
			before = append(before, line)
		case <-p.ended:
			if len(p.lines) > 0 {
				continue
			}
			t.Fatalf("ended before it logged %q; before that: %v", message, before)
		case <-deadline.Done():
			t.Fatalf("did not log %q; it logged %v", message, before)
		}
	}
}

// look gets a path of the private listener.
func (p *process) look(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.private+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// waitReady asks a process until it is ready.
func (p *process) waitReady(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		code, text := p.look(t, "/readyz")
		if code == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("readyz: %d %s", code, text)
		}
	}
}

// metrics returns the text for Prometheus.
func (p *process) metrics(t *testing.T) string {
	t.Helper()
	_, text := p.look(t, "/metrics")
	return text
}

// stop begins a clean stop and returns the exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("does not stop")
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
