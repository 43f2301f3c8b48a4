package test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestRunNeedsNothingAndWritesAFile(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := f.start(t, "run")
	sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen)
	if sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	p.log(t, "delivery done")
	if files := f.exported(t); len(files) != 1 || !strings.Contains(files[0], "alma/job_end/") {
		t.Errorf("exported %v", files)
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("stop: exit code %d", code)
	}
	secret := strings.TrimSpace(read(t, filepath.Join(f.dir, "data", "alma.secret")))
	if out := p.stdout.String(); !strings.Contains(out, secret) {
		t.Errorf("the secret is not shown: %s", out)
	}
	if r := f.run(t, "config", "check"); r.code != 0 || !strings.Contains(r.stdout, "built-in configuration: ok") {
		t.Errorf("config check: %+v", r)
	}
	again := f.start(t, "run")
	again.stop(t)
	if out := again.stdout.String(); strings.Contains(out, secret) || !strings.Contains(out, "alma.secret") {
		t.Errorf("a later start shows the secret without a terminal: %s", out)
	}
	if info, err := os.Stat(filepath.Join(f.dir, "data", "alma.secret")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file: %v, %v", info.Mode(), err)
	}
}

func TestAFirstStartThatFailsLeavesTheSecretToTheNext(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f := newFolder(t)
	busy := folder{f.dir, append(slices.Clone(f.env), "HOOKLINE_LISTEN="+ln.Addr().String())}
	if r := busy.run(t, "run"); r.code != 1 || !strings.Contains(r.stderr, "$HOOKLINE_LISTEN") {
		t.Errorf("a port of another process: %+v", r)
	}
	p := f.start(t, "run")
	p.stop(t)
	if secret := strings.TrimSpace(read(t, filepath.Join(f.dir, "data", "alma.secret"))); !strings.Contains(p.stdout.String(), secret) {
		t.Errorf("the secret is not shown: %s", p.stdout.String())
	}
}

func TestEverySampleOfAlmaIsStoredAndExported(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := f.start(t, "run")
	var samples []struct{ Action, Format string }
	if err := json.Unmarshal([]byte(f.run(t, "send", "alma", "--list", "--json").stdout), &samples); err != nil || len(samples) < 40 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	sent := f.run(t, "send", "alma", "--all", "--url", "http://"+p.listen)
	if sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	for range samples {
		if line := p.log(t, "delivery done"); line["outcome"] != "done" {
			t.Errorf("delivered: %v", line)
		}
	}
	files := f.exported(t)
	if len(files) != len(samples) {
		t.Errorf("%d files of %d events", len(files), len(samples))
	}
	for _, s := range samples {
		if !strings.Contains(strings.Join(files, "\n"), "alma/"+s.Action+"/") {
			t.Errorf("no file of %s (%s)", s.Action, s.Format)
		}
	}
	if strings.Contains(strings.Join(files, "\n"), "unreadable") {
		t.Error("a sample was not understood")
	}
}

func TestRunKilledAfterTheAnswerStillExports(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  slow: { match: "#", handler: { kind: exec, command: ["sh", "-c", "test -e go || exec sleep 30; cat > done-$HOOKLINE_ID"] } }
`)
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	p.kill()
	f.write(t, "go", "")
	p = f.start(t, "run")
	p.log(t, "delivery done")
	if done, _ := filepath.Glob(filepath.Join(f.dir, "done-*")); len(done) != 1 {
		t.Errorf("done %v", done)
	}
}

func TestAStopThatHasToWaitSaysSo(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  slow: { match: "#", handler: { kind: exec, command: ["sleep", "30"] } }
`)
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if line := p.log(t, "stopping; a second signal ends the process at once"); line["grace"] != "20s" {
		t.Error(line)
	}
}

// `timeout` sends SIGTERM to the process, and at once to its group.
func TestARepeatedSignalIsACleanStop(t *testing.T) {
	t.Parallel()
	p := newFolder(t).start(t, "run")
	for range 2 {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
	}
	p.log(t, "stopped")
	if <-p.ended; p.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("it ended with %v", p.cmd.ProcessState)
	}
}

// exported lists the files under data/export.
func (f folder) exported(t *testing.T) []string {
	t.Helper()
	return filesBelow(t, filepath.Join(f.dir, "data", "export"))
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
