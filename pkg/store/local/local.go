// Package local stores files in a folder of this machine.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/hookline/hookline/pkg/durable"
	"github.com/hookline/hookline/pkg/store"
)

// Config is a folder of this machine.
type Config struct {
	// Dir is the folder for all files. A target makes it if it is missing.
	Dir string `yaml:"dir" schema:"required"`
}

// location is a folder, and also the connection to it.
type location struct{ dir string }

// Permissions are narrow because records can hold personal data.
const (
	folderMode = 0o750
	fileMode   = 0o640
)

// New checks cfg. It touches no file.
func New(cfg Config) (store.Location, error) {
	if cfg.Dir == "" {
		return nil, errors.New("dir: is required; the folder for all files")
	}
	return &location{filepath.Clean(cfg.Dir)}, nil
}

// Connect returns p itself, because a folder needs no connection.
func (p *location) Connect(context.Context) (store.Conn, error) { return p, nil }

func (p *location) Close() error { return nil }

func (p *location) List(_ context.Context, dir string) (names []string, err error) {
	err = p.within(func(root *os.Root) error {
		entries, err := fs.ReadDir(root.FS(), path.Join(".", dir))
		for _, entry := range entries {
			if entry.Type().IsRegular() && !store.IsPart(entry.Name()) {
				names = append(names, path.Join(dir, entry.Name()))
			}
		}
		return err
	})
	return names, err
}

func (p *location) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	var file *os.File
	err := p.within(func(root *os.Root) (err error) {
		file, err = root.Open(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{store.Reader(ctx, file), file}, nil
}

func (p *location) Has(_ context.Context, name string) (bool, error) {
	err := p.within(func(root *os.Root) error {
		_, err := root.Stat(name)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Put is atomic and durable.
func (p *location) Put(ctx context.Context, name string, content io.Reader) error {
	if err := durable.MkdirAll(durable.OS{}, p.dir, folderMode); err != nil {
		return err
	}
	return p.within(func(root *os.Root) error {
		if err := durable.MkdirAll(root, path.Dir(name), folderMode); err != nil {
			return err
		}
		part := store.PartName(name)
		err := write(root, part, store.Reader(ctx, content))
		if err == nil {
			err = root.Rename(part, name)
		}
		if err != nil {
			return errors.Join(err, forget(root.Remove(part)))
		}
		return durable.Sync(root, path.Dir(name))
	})
}

// within calls do with the folder. No name in it, and no link, leads outside.
func (p *location) within(do func(*os.Root) error) error {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	return errors.Join(do(root), root.Close())
}

func write(root *os.Root, name string, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func forget(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
