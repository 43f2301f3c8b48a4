//go:build linux

package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// Ready said yes on a full disk: what it wrote fitted where an event did not.
func TestAFullDiskIsNotReady(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	line := open(t, embedded.Config{Path: filepath.Join(dir, "line.db")})
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := line.Ready(); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := line.Ready(); !errors.Is(err, broker.ErrBlocked) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := line.Ready(); err != nil {
		t.Error(err)
	}
}
