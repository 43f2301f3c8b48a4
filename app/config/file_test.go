package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hookline/hookline/app/config"
)

const withFile = `
sources:
  alma: { preset: alma, secrets_file: secrets/alma }
routes:
  archive: { match: "#", handler: { kind: file, dir: out } }
`

// opened is a configuration in a folder of its own that was read once.
func opened(t *testing.T) (dir string, file *config.File) {
	t.Helper()
	dir = t.TempDir()
	for _, folder := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, folder, "alma"), "the-secret-of-"+folder)
	}
	link(t, dir, "v1", "secrets")
	write(t, filepath.Join(dir, "hookline.yml"), withFile)
	file = config.NewFile(filepath.Join(dir, "hookline.yml"), noEnv, kinds())
	if _, err := file.Read(); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// link puts a link into the place of another at once, as Kubernetes does with the folder ..data.
func link(t *testing.T, dir, to, name string) {
	t.Helper()
	fresh := filepath.Join(dir, "fresh")
	if err := os.Symlink(to, fresh); err != nil {
		t.Fatal(err)
	}
	rename(t, fresh, filepath.Join(dir, name))
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestAChangedFileIsNoticedHoweverItIsReplaced(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, dir string){
		"written in place": func(t *testing.T, dir string) { write(t, filepath.Join(dir, "hookline.yml"), withFile+"\n# new\n") },
		"renamed over": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "hookline.yml~"), withFile+"\n# new\n")
			rename(t, filepath.Join(dir, "hookline.yml~"), filepath.Join(dir, "hookline.yml"))
		},
		"a link to another folder": func(t *testing.T, dir string) { link(t, dir, "v2", "secrets") },
		"same size and time": func(t *testing.T, dir string) {
			secret := filepath.Join(dir, "v1", "alma")
			info, err := os.Stat(secret)
			if err != nil {
				t.Fatal(err)
			}
			write(t, secret, "the-secret-of-v3")
			if err := os.Chtimes(secret, info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		"taken away": func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "v1", "alma")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, file := opened(t)
			for range 3 {
				if file.Changed() {
					t.Fatal("changed before anything was")
				}
			}
			change(t, dir)
			if file.Changed() {
				t.Error("noticed while it may still be being written")
			}
			if !file.Changed() {
				t.Error("not noticed")
			}
			_, _ = file.Read()
			for range 3 {
				if file.Changed() {
					t.Error("noticed again after it was read")
				}
			}
		})
	}
}

// An operator may write the configuration first and the secret that it names later.
func TestAMissingSecretThatComesIsNoticed(t *testing.T) {
	t.Parallel()
	dir, file := opened(t)
	write(t, filepath.Join(dir, "hookline.yml"), strings.Replace(withFile, "secrets/alma", "later", 1))
	if _, err := file.Read(); err == nil {
		t.Fatal("read without its secret")
	}
	write(t, filepath.Join(dir, "later"), "here-is-the-secret")
	if file.Changed() || !file.Changed() {
		t.Error("not noticed")
	}
	if c, err := file.Read(); err != nil || c.Sources["alma"].Secrets[0].Value != "here-is-the-secret" {
		t.Errorf("%v", err)
	}
}

func TestAPipeIsReadOnceAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	dir, _ := opened(t)
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "hookline.yml"), strings.Replace(withFile, "secrets/alma", "pipe", 1))
	go func() { _ = os.WriteFile(pipe, []byte("the-piped-secret-of-tests"), 0o600) }()
	file := config.NewFile(filepath.Join(dir, "hookline.yml"), noEnv, kinds())
	if c, err := file.Read(); err != nil || c.Sources["alma"].Secrets[0].Value != "the-piped-secret-of-tests" {
		t.Fatalf("%v", err)
	}
	for range 2 {
		if file.Changed() {
			t.Error("a pipe has changed")
		}
	}
}

func TestChangedKeysAreNamed(t *testing.T) {
	t.Parallel()
	before, err := parse(t, "listen: ':1'\nbroker: { url: embedded, max_bytes: 2000000 }\nlimits: { max_requests: 1 }\n"+small)
	if err != nil {
		t.Fatal(err)
	}
	after, err := parse(t, `
broker: { max_bytes: 2000000, url: [embedded] }
data: elsewhere
sources:
  alma: { secrets: second-test-secret, preset: alma }
  github: { preset: github, secrets: other-test-secret }
routes: # written otherwise, but the same
  archive:
    handler: { dir: out, kind: file }
    match: '#'
`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := after.Changed(before), []string{"broker.url", "data", "limits", "listen", "sources.alma", "sources.github"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := after.Changed(after); len(got) != 0 {
		t.Errorf("nothing changed: %v", got)
	}
}

func TestAFileHasALargestSize(t *testing.T) {
	t.Parallel()
	for size, ok := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		dir, file := opened(t)
		text := withFile + "#" + strings.Repeat("x", size-len(withFile)-1)
		write(t, filepath.Join(dir, "hookline.yml"), text)
		if _, err := file.Read(); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "no more than 1048576 are read") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
