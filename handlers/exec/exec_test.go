package exec_test

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/handlers/exec"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func delivery(body string) event.Delivery {
	return event.Delivery{Route: "r", Attempt: 2, Event: event.Event{
		ID: "4$(2)", Source: "alma", Action: "job_end", Time: time.UnixMilli(1700000000123), ContentType: "a\x00b", Header: map[string]string{"Content-Encoding": "br"}, Data: []byte(body)}}
}

func shell(t *testing.T, script string, env ...string) handler.Handler {
	t.Helper()
	cfg := exec.Config{Command: []string{"sh", "-c", script}, Dir: t.TempDir(), Env: map[string]string{}}
	for i := 0; i < len(env); i += 2 {
		cfg.Env[env[i]] = env[i+1]
	}
	h, err := exec.New(cfg, []string{"PATH=" + os.Getenv("PATH"), "OUT=overridden"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestGivesTheBodyAndAnEnvironmentOfItsOwn(t *testing.T) {
	t.Setenv("HOOKLINE_TEST_SECRET", "must not be seen")
	out := filepath.Join(t.TempDir(), "out")
	body := "line\n\x00\xff"
	if err := shell(t, `cat > "$OUT"; env | sort > "$OUT.env"; pwd -P > "$OUT.dir"`, "OUT", out).Handle(t.Context(), delivery(body)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != body {
		t.Errorf("%q, %v", got, err)
	}
	env, err := os.ReadFile(out + ".env")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HOOKLINE_ID=4$(2)\n", "HOOKLINE_SOURCE=alma\n", "HOOKLINE_ACTION=job_end\n", "HOOKLINE_ROUTE=r\n", "HOOKLINE_ATTEMPT=2\n", "HOOKLINE_TIME=2023-11-14T22:13:20.123Z\n", "HOOKLINE_CONTENT_TYPE=ab\n", "HOOKLINE_CONTENT_ENCODING=br\n", "OUT=" + out + "\n", "PATH="} {
		if !strings.Contains(string(env), want) {
			t.Errorf("%q is not in\n%s", want, env)
		}
	}
	if strings.Contains(string(env), "SECRET") {
		t.Errorf("the worker's environment is given on:\n%s", env)
	}
}

func TestExits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		script    string
		permanent bool
		want      string // in the error; empty: done
	}{
		{"exit 0", false, ""},
		{"cat > /dev/null", false, ""},
		{"exec <&-; exit 0", false, ""}, // closes its input unread
		{"echo much >&2; exit 0", false, ""},
		{"exit 75", false, "exit status 75"},
		{"exit 1", false, "exit status 1"},
		{"echo no such record >&2; exit 65", true, "exit status 65: no such record"},
		{"kill -KILL $$", false, "signal: killed"},
		{"i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done >&2; exit 1", false, "2999"},
	} {
		err := shell(t, c.script).Handle(t.Context(), delivery(strings.Repeat("x", 1<<20)))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || handler.IsPermanent(err) != c.permanent {
			t.Errorf("%s: %v", c.script, err)
		}
		if text := broker.ErrorText(err); !strings.Contains(text, c.want) { // a traceback ends with what matters
			t.Errorf("%s: a dead letter keeps only %q", c.script, text)
		}
	}
}

func TestStderrIsLoggedOnlyWithLogStderr(t *testing.T) {
	t.Parallel()
	for shall, want := range map[bool]string{false: "exit status 65", true: "exit status 65: sample.patron"} {
		h, err := exec.New(exec.Config{Command: []string{"sh", "-c", "echo sample.patron >&2; exit 65"}, LogStderr: shall}, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = h.Handle(t.Context(), delivery(""))
		if handler.LogText(err) != want || err.Error() != "exit status 65: sample.patron" || !handler.IsPermanent(err) {
			t.Errorf("logged as %s: %v", handler.LogText(err), err)
		}
	}
}

func TestAProgramThatIsNotThereIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"no-such-program", "/no/such/program", "/etc/passwd"} {
		h, err := exec.New(exec.Config{Command: []string{program}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Handle(t.Context(), delivery("")); err == nil || handler.IsPermanent(err) || !strings.Contains(err.Error(), "cannot be started; is it installed") {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// TestChildProcessesAreKilled: a command that ignores SIGTERM, its child, and its grandchild; all of them hold standard error.
func TestChildProcessesAreKilled(t *testing.T) {
	t.Parallel()
	for name, trap := range map[string]string{"stubborn": "trap '' TERM;", "obedient": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fifo := filepath.Join(t.TempDir(), "pids")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			script := trap + ` sh -c '` + strings.ReplaceAll(trap, "'", `'\''`) + ` sleep 1000 & echo $$ $! > "$FIFO"; wait' & echo "going" >&2; wait; sleep 1000`
			stopping := errors.New("stopping")
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error, 1)
			h := shell(t, script, "FIFO", fifo)
			go func() { done <- h.Handle(ctx, delivery("")) }()
			pids, err := os.ReadFile(fifo) // until the grandchild runs
			if err != nil {
				t.Fatal(err)
			}
			cancel(stopping)
			if err := <-done; !errors.Is(err, stopping) || handler.IsPermanent(err) {
				t.Error(err)
			}
			for _, text := range strings.Fields(string(pids)) {
				pid, err := strconv.Atoi(text)
				if err != nil {
					t.Fatal(err)
				}
				if !gone(t.Context(), pid) {
					t.Errorf("process %d still runs", pid)
				}
			}
		})
	}
}

func TestBackgroundProcessesAreKilled(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "pid")
	if err := shell(t, `sleep 1000 & echo $! > "$OUT"`, "OUT", out).Handle(t.Context(), delivery("")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || !gone(t.Context(), pid) {
		t.Errorf("process %s still runs, %v", text, err)
	}
}

// gone waits up to 5 seconds until a process has ended; one that only waits to be reaped has.
func gone(ctx context.Context, pid int) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := exec.New(exec.Config{Dir: "a\x00", Env: map[string]string{"HOOKLINE_ID": "1", "A=B": "1"}}, nil)
	for _, want := range []string{"command: is required", "NUL", `"HOOKLINE_ID"`, `"A=B"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// TestACommandIsAskedBeforeItIsKilled has a command that ends at SIGTERM with its own last words.
func TestACommandIsAskedBeforeItIsKilled(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "started")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	h := shell(t, `trap 'echo cleaned up > "$OUT"; exit 1' TERM; sleep 1000 & echo > "$FIFO"; wait`, "FIFO", fifo, "OUT", out)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Handle(ctx, delivery("")) }()
	if _, err := os.ReadFile(fifo); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "command was stopped") {
		t.Error(err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "cleaned up\n" {
		t.Errorf("the command had no time to clean up: %q, %v", text, err)
	}
}

func TestNewRefusesNUL(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]exec.Config{
		"command":   {Command: []string{"a\x00"}},
		"argument":  {Command: []string{"a", "b\x00"}},
		"dir":       {Command: []string{"a"}, Dir: "\x00"},
		"env name":  {Command: []string{"a"}, Env: map[string]string{"A\x00": "b"}},
		"env value": {Command: []string{"a"}, Env: map[string]string{"A": "b\x00"}},
	} {
		if _, err := exec.New(cfg, nil); err == nil || !strings.Contains(err.Error(), "NUL") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCommandRunsInItsFolder(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	h, err := exec.New(exec.Config{Command: []string{"sh", "-c", `pwd -P > "$OUT"`}, Dir: dir, Env: map[string]string{"OUT": out}}, []string{"PATH=" + os.Getenv("PATH")})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), delivery("")); err != nil {
		t.Fatal(err)
	}
	want, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != want+"\n" {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestRunsAsAnotherUser(t *testing.T) {
	t.Parallel()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("this machine has no user nobody")
	}
	for name, c := range map[string]struct{ user, want string }{
		"by number": {nobody.Uid, "exit status 65: " + nobody.Uid}, "by name": {"nobody", "exit status 65: " + nobody.Uid},
		"unknown": {"nobody-of-that-name", "there is no user"}, "the worker's own": {"", "exit status 65: " + strconv.Itoa(os.Getuid())},
	} {
		h, err := exec.New(exec.Config{Command: []string{"sh", "-c", "id -u >&2; exit 65"}, User: c.user}, []string{"PATH=" + os.Getenv("PATH")})
		if err != nil {
			t.Fatal(err)
		}
		err = h.Handle(t.Context(), delivery(""))
		want := c.want
		if os.Getuid() != 0 && (name == "by number" || name == "by name") {
			want = "only a worker that runs as root"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
