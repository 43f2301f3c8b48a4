// Package file writes each event's body, byte for byte, to a file of its own.
//
// The same event again changes nothing, and an event never replaces the file of another event: if other content has the
// name already, the new file's name gets a hash of its content. A file appears whole or not at all. It is durable
// before the event counts as done.
//
// Duplicates: time placeholders ({date}, {hour}, ...) hold the time of receipt, so an event that the sender repeats on another day, with
// the same ID, is in both folders. A repeat writes a file again that was moved away or deleted. Two events of different sources
// with the same ID and body share a file unless {source} is in the path. On file systems without hard links, if two processes
// write different events under the same name at the same moment, one of the two can be lost.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/hookline/hookline/pkg/durable"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Config writes the body of each event to a file of its own.
type Config struct {
	// Dir is the folder for all files. It is made if it is relative or within the data folder. Another one must exist, so that nothing
	// is written below the mount point of a volume that is not there: name a folder within the volume.
	Dir string `yaml:"dir" schema:"required"`
	// Path is the name under dir, with "/" between folders. Placeholders: {source} {action} {key} {id} {route} {ext}, and of the time of
	// receipt in UTC {date} {year} {month} {day} {hour} {time}. It must contain {id}. In values, characters other than letters, digits and
	// - _ . + = @ , ~ become "_", and a hash follows.
	Path string `yaml:"path"`
	// Metadata adds a file NAME.meta.json beside each: the event in its JSON form without the body.
	Metadata bool `yaml:"metadata"`
}

// Defaults returns a Config that lacks only its folder.
func Defaults() Config { return Config{Path: "{source}/{action}/{date}/{id}{ext}"} }

// Handler writes events to files, and finds and removes them.
type Handler struct {
	dir      string
	makes    bool // the handler makes dir if it is missing
	path     pathTemplate
	metadata bool
}

// New checks cfg. It touches no file: a folder that is missing, or without write permission, is an error of each delivery, which is
// retried. data is the process's data folder.
func New(cfg Config, data string) (handler.Handler, error) {
	var errs []error
	if cfg.Dir == "" {
		errs = append(errs, errors.New("dir: is required; the folder to write to"))
	}
	if cfg.Path == "" {
		cfg.Path = Defaults().Path
	}
	path, err := parse(cfg.Path)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	dir := filepath.Clean(cfg.Dir)
	return &Handler{dir: dir, makes: !filepath.IsAbs(dir) || within(dir, data), path: path, metadata: cfg.Metadata}, nil
}

// within reports whether dir is the folder data or in it.
func within(dir, data string) bool {
	data, err := filepath.Abs(data)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(data, dir)
	return err == nil && filepath.IsLocal(rel)
}

// Handle writes the event's file.
func (h *Handler) Handle(ctx context.Context, d event.Delivery) (err error) {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	dir, name := path.Split(h.path.expand(d))
	root, err := h.open(path.Clean(dir))
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	target := newFolder(root)
	name, err = target.put(name, d.Event.Data)
	if err == nil && h.metadata {
		err = target.describe(name, d.Event)
	}
	if err != nil {
		return fmt.Errorf("write event under %s: %w", h.dir, err)
	}
	return nil
}

// open opens a folder under h.dir. It makes missing folders.
func (h *Handler) open(name string) (*os.Root, error) {
	root, err := os.OpenRoot(h.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if !h.makes {
			return nil, fmt.Errorf("the folder %s is missing: mount its volume, or make the folder once with `mkdir -p %s`", h.dir, h.dir)
		}
		if err := durable.MkdirAll(durable.OS{}, h.dir, folderMode); err != nil {
			return nil, err
		}
		root, err = os.OpenRoot(h.dir)
	}
	if err != nil {
		return nil, err
	}
	folder, err := root.OpenRoot(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = durable.MkdirAll(root, name, folderMode); err == nil {
			folder, err = root.OpenRoot(name)
		}
	}
	return folder, errors.Join(err, root.Close())
}
