package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheFirstSecretIsMadeOnce(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "new", "data")
	file := secretFile(func(string) (string, bool) { return data, true })
	for i, want := range []bool{true, false} {
		if made, err := ensureSecret(file); made != want || err != nil {
			t.Errorf("call %d: %v, %v", i, made, err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || len(strings.TrimSpace(string(text))) < 43 {
		t.Errorf("%d characters, %v; 256 bits need 43", len(text), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestTheBannerStartsTheProgramAsThePersonDid(t *testing.T) {
	t.Parallel()
	for startedAs, want := range map[string]string{
		"hookline":                               "hookline",
		"./hookline":                             "./hookline",
		"./custom":                               "./custom",
		"/tmp/go-build123/b001/exe/hookline":     "go run ./cmd/hookline",
		"/home/a/.cache/go-build/ab/cd/hookline": "go run ./cmd/hookline",
		"/tmp/go-build123/b001/exe/custom":       "/tmp/go-build123/b001/exe/custom",
	} {
		if got := invocation(startedAs); got != want {
			t.Errorf("%s: %s, want %s", startedAs, got, want)
		}
	}
}

func TestASecretThatNobodyHasSeenIsRemoved(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "alma.secret")
	made, err := ensureSecret(file)
	if err != nil {
		t.Fatal(err)
	}
	first := firstRun{secret: file, made: made}
	if err := first.undo(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}
