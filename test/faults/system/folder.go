package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// A disk is small enough to fill quickly, and large enough for the files of a trial that takes minutes on a busy machine.
const (
	diskSize     = 128 << 20
	bytesPerFile = "1024"
)

// Folder is a data folder of processes: a plain folder, or one with a small disk of its own, which can be filled and broken.
type Folder struct {
	Path  string
	image string // the disk; empty: a plain folder
}

// Disks reports whether disks can be made, broken and repaired here. It tries so in dir.
func Disks(ctx context.Context, dir string) bool {
	f, err := newFolder(ctx, filepath.Join(dir, "probe"), true)
	if err == nil {
		err = f.Break(ctx)
	}
	return errors.Join(err, f.remove(ctx)) == nil
}

func newFolder(ctx context.Context, path string, disk bool) (*Folder, error) {
	f := &Folder{Path: path}
	if err := os.MkdirAll(path, 0o755); err != nil || !disk {
		return f, err
	}
	image := path + ".ext4"
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return f, err
	}
	if err := os.Truncate(image, diskSize); err != nil {
		return f, err
	}
	if err := run(ctx, "mkfs.ext4", "-q", "-m", "0", "-i", bytesPerFile, image); err != nil {
		return f, err
	}
	f.image = image
	if err := f.Mount(ctx); err != nil {
		f.image = ""
		return f, err
	}
	return f, nil
}

// Mount repairs the disk if needed, and mounts it.
func (f *Folder) Mount(ctx context.Context) error {
	if err := run(ctx, "e2fsck", "-fy", f.image); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() > 1 { // 1: errors were corrected
			return err
		}
	}
	return run(ctx, "mount", "-o", "loop,errors=remount-ro", f.image, f.Path)
}

// Unmount unmounts the disk, as soon as it is unused.
func (f *Folder) Unmount(ctx context.Context) error {
	return Eventually(ctx, func() error { return run(ctx, "umount", f.Path) })
}

func (f *Folder) filler() string { return filepath.Join(f.Path, "filler") }

// Fill fills the disk completely.
func (f *Folder) Fill() error {
	file, err := os.Create(f.filler())
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
	return nil
}

// Free deletes the file of Fill.
func (f *Folder) Free() error { return os.Remove(f.filler()) }

// Break makes the disk read-only while files are open, as the kernel does after a disk error. After that the disk must
// be unmounted and mounted. Call it while no fsync is under way: with Linux 6.18, 4 of 60 concurrent fsyncs of a
// ten-line program succeeded although their data was lost.
func (f *Folder) Break(ctx context.Context) error {
	name, err := f.device()
	if err != nil {
		return err
	}
	if err := run(ctx, "fsfreeze", "--freeze", f.Path); err != nil {
		return err
	}
	return errors.Join(fail(name), run(ctx, "fsfreeze", "--unfreeze", f.Path))
}

// fail makes the kernel shut a disk down as failed.
func fail(name string) error {
	trigger, err := os.OpenFile("/sys/fs/ext4/"+name+"/trigger_fs_error", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(trigger, "1")
	return errors.Join(err, trigger.Close())
}

// device returns the kernel's name of the disk.
func (f *Folder) device() (string, error) {
	var at syscall.Stat_t
	if err := syscall.Stat(f.Path, &at); err != nil {
		return "", err
	}
	link, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", at.Dev>>8&0xfff, at.Dev&0xff))
	return filepath.Base(link), err
}

func (f *Folder) remove(ctx context.Context) error {
	if f.image == "" {
		return nil
	}
	return errors.Join(f.Unmount(ctx), os.Remove(f.image))
}

func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}
