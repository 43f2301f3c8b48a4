// Package alone gives a program a machine of its own, as far as Linux can: processes, network and mounts that nobody else
// sees, and that end with it, however it ends.
package alone

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// inside tells the program that it is the one inside.
const inside = "FAULTS_ALONE"

// Inside tells whether this process was started by Run.
func Inside() bool { return os.Getenv(inside) != "" }

// Possible tells whether Run can work: it needs root, and a container may not let it.
func Possible() bool {
	cmd := exec.Command("true") //nolint:noctx // it ends at once
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	return cmd.Run() == nil
}

const namespaces = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET

// Run runs this program once more, inside, with the same arguments and more environment, and returns its exit code.
func Run(env ...string) (int, error) {
	runtime.LockOSThread() // Pdeathsig is sent when the thread that started the process ends
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:noctx // it gets the signals of the terminal itself
	cmd.Env = append(append(os.Environ(), inside+"=1"), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// Enter makes the inside fit to live in: mounts that stay inside, the own processes in /proc, and a loopback interface.
func Enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return nil
}
