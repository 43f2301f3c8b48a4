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

// Ready returned nil on a full disk, because its own write is smaller than an event.
func TestAFullDiskIsNotReady(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	sqlite := open(t, embedded.Config{Path: filepath.Join(dir, "line.db")})
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := sqlite.Ready(); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Ready(); !errors.Is(err, broker.ErrBlocked) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Ready(); err != nil {
		t.Error(err)
	}
}
