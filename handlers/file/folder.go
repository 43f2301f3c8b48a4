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
	"regexp"

	"github.com/hookline/hookline/pkg/durable"
	"github.com/hookline/hookline/pkg/event"
)

// Permissions are narrow because bodies can hold personal data.
const (
	folderMode = 0o750
	fileMode   = 0o640
)

// folder writes files into one folder and never outside of it.
type folder struct {
	root *os.Root
	link func(name, newName string) error // fails on file systems without hard links
	sync func(name string) error          // makes a file's content or a folder's names durable
}

func newFolder(root *os.Root) folder {
	return folder{root: root, link: root.Link, sync: func(name string) error { return durable.Sync(root, name) }}
}

// put makes body durable under name. If another content has that name, it adds a hash of body to the name. It
// returns the name. It leaves existing content alone.
func (f folder) put(name string, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	for _, name := range []string{name, suffixed(name, hex.EncodeToString(sum[:8]))} {
		done, err := f.place(name, body)
		if done || err != nil {
			return name, err
		}
	}
	return "", fmt.Errorf("%s: other files have both this name and the one with a hash; remove or rename one", name)
}

// place makes body durable under name. It returns false if another content has the name.
//
// It writes to a hidden part file first. The part's name is a hash of name and content, so that every writer of that part, in any process and
// after a crash, writes the same bytes: a left-over part is used again, and concurrent writers cannot damage it. Then it links the part to
// name, because a link never replaces a file, as a rename does. Two fsyncs are needed: for the content before it has its name,
// and for the name.
func (f folder) place(name string, body []byte) (bool, error) {
	part := partName(name, body)
	if err := f.write(part, body); err != nil {
		return false, err
	}
	if f.link(part, name) == nil {
		return true, errors.Join(f.discard(part), f.sync("."))
	}
	// Another file has the name, or a concurrent writer has removed the part, or the file system has no links.
	same, err := f.holds(name, body)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.root.Rename(part, name); err != nil {
			return false, err
		}
		return true, f.sync(".")
	}
	return same, errors.Join(err, f.settle(same, name, part))
}

// settle removes part. If the file under name has the same content, it makes that durable.
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

// holds reports whether name is a file with exactly this body. It returns fs.ErrNotExist if there is no such file.
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

// describe writes the metadata of e beside its file. An existing description stays, because a repeat has
// another time of receipt.
func (f folder) describe(name string, e event.Event) error {
	meta, err := metadata(e)
	if err != nil {
		return err
	}
	if _, err := f.root.Lstat(name + metaSuffix); err == nil {
		return nil
	}
	_, err = f.put(name+metaSuffix, meta)
	return err
}

// metadata returns the content of the file that describes e.
func metadata(e event.Event) ([]byte, error) {
	e.Data = nil
	meta, err := json.Marshal(e)
	return append(meta, '\n'), err
}

var part = regexp.MustCompile(`^\.hookline-[0-9a-f]{32}\.part$`)

func partName(name string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(name + "\x00"))
	h.Write(body)
	return ".hookline-" + hex.EncodeToString(h.Sum(nil)[:16]) + ".part"
}
