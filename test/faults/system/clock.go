package system

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// clockVariable is the environment variable for the file with the offset of a process's clock, in seconds.
const clockVariable = "FAULTS_CLOCK"

// movable is added to package time, because a process's wall clock can be changed only from inside: the kernel gives a Go program the
// time without a hook. The monotonic clock stays, as it does when an
// operator or NTP sets the time.
//
// A goroutine reads the file, because the runtime calls time.Now on stacks that must not block.
const movable = `package time

import (
	"sync/atomic"
	"syscall"
)

var moved atomic.Int64 // seconds

func init() {
	if path, ok := syscall.Getenv("` + clockVariable + `"); ok {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			panic(err)
		}
		move(fd)
		go func() {
			for ; ; Sleep(20 * Millisecond) {
				move(fd)
			}
		}()
	}
}

func move(fd int) {
	var b [8]byte
	if n, err := syscall.Pread(fd, b[:], 0); n != len(b) || err != nil {
		return
	}
	var seconds int64
	for i, x := range b {
		seconds |= int64(x) << (8 * i)
	}
	moved.Store(seconds)
}
`

// Build compiles hookline, from the folder of this module, to file. With a movable clock it uses the same source with
// another package time.
func Build(ctx context.Context, file string, movableClock bool) error {
	args := []string{"build", "-o", file}
	if movableClock {
		overlay, err := movableTime(ctx, filepath.Dir(file))
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	return run(ctx, "go", append(args, "github.com/hookline/hookline/cmd/hookline")...)
}

// movableTime writes the files for Go's -overlay.
func movableTime(ctx context.Context, dir string) (overlay string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	original, err := os.ReadFile(filepath.Join(folder, "time.go"))
	if err != nil {
		return "", err
	}
	const ask = "\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(original), ask) != 1 {
		return "", errors.New("this test does not know package time of this Go version")
	}
	files := map[string]string{
		"time.go":  strings.Replace(string(original), ask, ask+"\tsec += moved.Load()\n", 1),
		"moved.go": movable,
	}
	replace := map[string]string{}
	for name, text := range files {
		replace[filepath.Join(folder, name)] = filepath.Join(dir, "overlay-"+name)
		if err := os.WriteFile(filepath.Join(dir, "overlay-"+name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// clock returns the file with the offset of a process's clock.
func (s *System) clock(process string) string { return filepath.Join(s.cfg.Dir, process+".clock") }

// MoveClock sets the process's wall clock to the true time plus by, at once and also after a restart. The binary must have
// a movable clock.
func (s *System) MoveClock(process string, by time.Duration) error {
	file, err := os.OpenFile(s.clock(process), os.O_CREATE|os.O_WRONLY, 0o600) // without truncation, because it can be read at any moment
	if err != nil {
		return err
	}
	_, err = file.Write(binary.LittleEndian.AppendUint64(nil, uint64(by/time.Second)))
	return errors.Join(err, file.Close())
}
