package rclone_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/rclone"
	"github.com/hookline/hookline/pkg/store/storetest"
)

// TestProgram runs the installed rclone, with a remote that is a folder of this machine.
func TestProgram(t *testing.T) {
	t.Parallel()
	program := storetest.Program(t, "rclone", "rclone")
	dir := t.TempDir()
	conf := filepath.Join(t.TempDir(), "rclone.conf")
	if err := os.WriteFile(conf, []byte("[disk]\ntype = local\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	location, err := rclone.New(rclone.Config{Remote: "disk:" + dir, Config: conf, Command: program}, []string{"HOME=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, location, storetest.Files(os.DirFS(dir)))

	location, err = rclone.New(rclone.Config{Remote: "cloud:x", Config: conf, Command: program}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := location.Connect(t.Context())
	if err := conn.Put(t.Context(), "x", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), "didn't find section") {
		t.Errorf("a remote that is not configured: %v", err)
	}
}

func TestAnErrorHoldsNoSignedURL(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "rclone")
	script := "#!/bin/sh\necho 'Put \"https://account.blob.example/c/x?sv=1&sig=hush\": no such host' >&2\nexit 1\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil { //nolint:gosec // a test's program
		t.Fatal(err)
	}
	location, err := rclone.New(rclone.Config{Remote: "azure:c", Command: program}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := location.Connect(t.Context())
	if _, err := conn.List(t.Context(), ""); err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), `/c/x?...": no such host`) {
		t.Errorf("%v", err)
	}
}

func TestNewRefusesInvalidRemotes(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "onedrive", ":s3:bucket", "-v:x"} {
		if _, err := rclone.New(rclone.Config{Remote: bad}, nil); err == nil || errors.Is(err, store.ErrRefused) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
