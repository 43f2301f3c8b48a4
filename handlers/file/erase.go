package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/durable"
)

// Exported is a file with the name of an event's file.
type Exported struct {
	// Name is the absolute path of the file.
	Name string
	// ID is the ID of the event, as far as the name shows it.
	ID string
	// Body is the content. It is nil for metadata alone.
	Body []byte
	// Metadata is the content of NAME.meta.json, or nil.
	Metadata []byte
}

// Dir returns the absolute path of the folder.
func (h *Handler) Dir() string {
	if whole, err := filepath.Abs(h.dir); err == nil {
		return whole
	}
	return h.dir
}

// maxExported is the largest file in bytes that is read. It is more than any source's max_body.
const maxExported = 256 << 20

// Erase visits the files below the folder whose names can come from the configured path, and the parts that a crash left behind. It removes
// the picked ones with their metadata, and returns their number, also with an error. A pick that returns false each time only looks. Files
// that cannot be read or removed are errors after all others were visited. The error is fs.ErrNotExist if the folder is missing.
//
// A file that is written during the call can be missed: repeat Erase until it finds nothing.
func (h *Handler) Erase(ctx context.Context, pick func(Exported) bool) (removed int, err error) {
	root, err := os.OpenRoot(h.dir)
	if err != nil {
		return 0, fmt.Errorf("erase files: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	e := eraser{dir: h.Dir(), root: root, path: h.path, names: h.path.pattern(), pick: pick}
	var failed []error
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && entry.Type().IsRegular() {
			err = e.visit(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // somebody removed it meanwhile
			failed = append(failed, fmt.Errorf("erase files: %w", err))
		}
		return nil
	})
	return e.removed, errors.Join(append(failed, err)...)
}

// eraser is one call of Erase.
type eraser struct {
	dir     string
	root    *os.Root
	path    pathTemplate
	names   *regexp.Regexp // of events
	pick    func(Exported) bool
	removed int
}

// visit picks a file. It visits metadata together with the file that it describes, unless that file is gone.
func (e *eraser) visit(name string) (err error) {
	id, ok := e.idOf(name)
	if !ok && !part.MatchString(path.Base(name)) {
		return nil
	}
	found := Exported{Name: filepath.Join(e.dir, filepath.FromSlash(name)), ID: id}
	if described, is := strings.CutSuffix(name, metaSuffix); is {
		if _, err := e.root.Lstat(described); err == nil {
			return nil
		}
		found.Metadata, err = e.read(name)
	} else if found.Body, err = e.read(name); err == nil {
		found.Metadata, err = e.read(name + metaSuffix)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil || !e.pick(found) {
		return err
	}
	return e.remove(name)
}

// idOf returns the ID of the event whose file or metadata has the name, and false if no event's file has it.
func (e *eraser) idOf(name string) (id string, ok bool) {
	for _, name := range []string{unsuffixed(name), name} {
		described := strings.TrimSuffix(name, metaSuffix)
		for _, name := range []string{unsuffixed(described), described} {
			if found := e.names.FindStringSubmatch(name); found != nil {
				return found[e.names.SubexpIndex("id")], true
			}
		}
	}
	return "", false
}

func (e *eraser) read(name string) ([]byte, error) {
	info, err := e.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxExported {
		return nil, fmt.Errorf("%s was not searched, because it has %d bytes; look into it yourself", name, info.Size())
	}
	return e.root.ReadFile(name)
}

// remove removes a file, and then its metadata, so that an interruption leaves no file that a repeat would miss. A folder with the ID of the
// event in its name goes, too.
func (e *eraser) remove(name string) error {
	if err := e.root.Remove(name); err != nil {
		return err
	}
	e.removed++
	if err := e.root.Remove(name + metaSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := path.Dir(name)
	for i := len(e.path) - 2; i >= 0 && strings.Contains(e.path[i], "{id}") && e.root.Remove(dir) == nil; i-- {
		dir = path.Dir(dir)
	}
	return durable.Sync(e.root, dir)
}
