//go:build linux

package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const spyingYAML = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: data
sources: { alma: { preset: alma, secrets: "${ALMA_SECRET}" } }
routes:
  spy:
    match: "#"
    handler:
      kind: exec
      command: [sh, -c, "for f in environ mem maps; do cat /proc/$PPID/$f > read-$f || true; done; cat /proc/$PPID/status > read-status"]
`

// TestAProgramCannotReadTheEnvironmentOfTheWorker runs as an ordinary user: root may read everything.
func TestAProgramCannotReadTheEnvironmentOfTheWorker(t *testing.T) {
	t.Parallel()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	f := newFolder(t, "ALMA_SECRET=a secret of 22 bytes")
	f.write(t, "hookline.yml", spyingYAML)
	cmd := f.command(t, "run")
	if os.Getuid() == 0 {
		const nobody = 65534
		for _, name := range []string{f.dir, filepath.Join(f.dir, "hookline.yml")} {
			if err := os.Chown(name, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		for _, dir := range []string{filepath.Dir(f.dir), filepath.Dir(file)} { // made for their owner alone
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	p := f.launchCommand(t, cmd)
	_, started := p.search(t, "started")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+started["listen"].(string)); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	p.log(t, "delivery done")
	if status := read(t, filepath.Join(f.dir, "read-status")); !strings.Contains(status, "hookline") {
		t.Errorf("the program did not run as a child of hookline: %s", status)
	}
	for _, name := range []string{"environ", "mem", "maps"} {
		if text := read(t, filepath.Join(f.dir, "read-"+name)); text != "" {
			t.Errorf("a program reads %d bytes of /proc/PID/%s of the worker", len(text), name)
		}
	}
}
