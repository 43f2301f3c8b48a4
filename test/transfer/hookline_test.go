// Package transfer plays whole transfers with the built program, from a job's end to what is delivered.
package transfer

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/store/storetest"
)

var binary = sync.OnceValues(func() (string, error) {
	if err := os.Mkdir(programs, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(programs, "hookline")
	if out, err := exec.Command("go", "build", "-o", file, "../../cmd/hookline").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

// programs is the folder of the binary, if a test wants it.
var programs = filepath.Join(os.TempDir(), "hookline-test-"+rand.Text())

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// hookline is `hookline run` in a folder of its own.
type hookline struct {
	t       *testing.T
	file    string
	dir     string
	env     []string
	cmd     *exec.Cmd
	log     *lines
	public  string
	private string
}

// lines is a log that is written and searched at once.
type lines struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.grown <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newHookline prepares a folder with a configuration. Its listeners are on free ports.
func newHookline(t *testing.T, config string, env ...string) *hookline {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	h := &hookline{t: t, file: file, dir: t.TempDir(), log: &lines{grown: make(chan struct{}, 1)}}
	h.public, h.private = "127.0.0.1:"+storetest.Port(t), "127.0.0.1:"+storetest.Port(t)
	h.write("hookline.yml", fmt.Sprintf("%s\nlisten: %q\nprivate_listen: %q\n", config, h.public, h.private))
	h.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "ALMA_WEBHOOK_SECRET=first-test-secret"}, env...)
	return h
}

func (h *hookline) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hookline) command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.file, append([]string{"--log-format", "json"}, args...)...)
	cmd.Dir, cmd.Env = h.dir, h.env
	return cmd
}

// start runs it until the test ends.
func (h *hookline) start() {
	h.t.Helper()
	h.cmd = h.command("run")
	h.cmd.Stderr = h.log
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	h.wait(`"msg":"started"`, time.Minute)
}

// wait waits for a text in the log.
func (h *hookline) wait(text string, patience time.Duration) {
	h.t.Helper()
	late := time.After(patience)
	for !h.log.has(text) {
		select {
		case <-h.log.grown:
		case <-late:
			h.t.Fatalf("no %s in\n%s", text, h.log)
		}
	}
}

// jobEnds sends the event of an export that ended.
func (h *hookline) jobEnds(id, link string) {
	h.t.Helper()
	h.write("event.json", fmt.Sprintf(`{"id":%q,"action":"JOB_END","job_instance":{"id":%q,"name":"Export Bibliographic Records - test","status":{"value":"COMPLETED_SUCCESS"},
		"job_info":{"name":"Export Bibliographic Records"},"counter":[{"type":{"value":"c.jobs.bibExport.link","desc":"Link to Exported records"},"value":%q}]}}`, id, id, link))
	if out, err := h.command("send", "alma", "--file", "event.json").CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
}

// metrics are what it measures.
func (h *hookline) metrics() string {
	h.t.Helper()
	answer, err := (&http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true}}).Get("http://" + h.private + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		h.t.Fatal(err)
	}
	return text.String()
}
