package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hookline/hookline/pkg/durable"
	"github.com/hookline/hookline/pkg/event"
)

// Who may read what is written: bodies can hold personal data.
const (
	folderMode = 0o750
	fileMode   = 0o640
)

// folder puts files into one folder and never outside of it.
type folder struct{ root *os.Root }

// put makes body durable as name, or, where another content has that name, as name with a hash of body in it; it
// returns the name. Content that is there already stays as it is.
func (f folder) put(name string, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	for _, name := range []string{name, suffixed(name, hex.EncodeToString(sum[:8]))} {
		done, err := f.place(name, body)
		if done || err != nil {
			return name, err
		}
	}
	return "", fmt.Errorf("%s: both this name and the one with a hash are taken by something else; remove or rename it", name)
}

// place makes body durable as name and is false if something else has the name.
//
// The bytes go to a hidden file first, which is named after the name and the content together: whoever writes to it, now
// or after a crash, in this process or another, writes the same bytes, so that it never has others or more. So a left-over
// one is used again, and what two writers at once link to its final name is whole. A link, other than a rename, never
// replaces what has the name. Two fsyncs are what that takes: the content before it has its name, and the name.
func (f folder) place(name string, body []byte) (bool, error) {
	part := partName(name, body)
	if err := f.write(part, body); err != nil {
		return false, err
	}
	if f.root.Link(part, name) == nil {
		return true, errors.Join(f.discard(part), f.sync("."))
	}
	// Something has the name, or somebody else was quicker and may have taken part away too, or the file system has no links.
	same, err := f.holds(name, body)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.root.Rename(part, name); err != nil {
			return false, err
		}
		return true, f.sync(".")
	}
	return same, errors.Join(err, f.settle(same, name, part))
}

// settle makes durable what somebody else has put there, if it is the same, and takes part away.
func (f folder) settle(same bool, name, part string) error {
	err := f.discard(part)
	if !same {
		return err
	}
	return errors.Join(err, f.sync(name), f.sync("."))
}

func (f folder) discard(part string) error {
	if err := f.root.Remove(part); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// holds tells whether name is a file with exactly this body. The error is fs.ErrNotExist if nothing has the name.
func (f folder) holds(name string, body []byte) (bool, error) {
	info, err := f.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(len(body)) {
		return false, err
	}
	there, err := f.root.ReadFile(name)
	return err == nil && bytes.Equal(there, body), err
}

func (f folder) write(name string, body []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// describe puts the metadata of e beside its file. The first description of a file stays: a repeat from the sender has
// another time of receipt.
func (f folder) describe(name string, e event.Event) error {
	e.Data = nil
	meta, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := f.root.Lstat(name + metaSuffix); err == nil {
		return nil
	}
	_, err = f.put(name+metaSuffix, append(meta, '\n'))
	return err
}

func (f folder) sync(name string) error { return durable.Sync(f.root, name) }

func partName(name string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(name + "\x00"))
	h.Write(body)
	return ".hookline-" + hex.EncodeToString(h.Sum(nil)[:16]) + ".part"
}
