// Package durable makes the names of files and folders outlast a power cut. That takes an fsync of the folder that holds the name: the
// fsync of the file does not cover its name.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// Root is a folder tree: an *os.Root, or OS.
type Root interface {
	Mkdir(name string, perm fs.FileMode) error
	Open(name string) (*os.File, error)
}

// OS is the whole file system.
type OS struct{}

// Mkdir calls os.Mkdir.
func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// Open calls os.Open.
func (OS) Open(name string) (*os.File, error) { return os.Open(name) }

// MkdirAll makes a folder and its missing parents, and makes the names of the new folders durable. It does not make the names of existing
// folders durable: their makers have to.
func MkdirAll(in Root, name string, perm fs.FileMode) error {
	err := in.Mkdir(name, perm)
	if errors.Is(err, fs.ErrNotExist) && name != path.Dir(name) {
		if err := MkdirAll(in, path.Dir(name), perm); err != nil {
			return err
		}
		err = in.Mkdir(name, perm)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	return Sync(in, path.Dir(name))
}

// Sync makes the content of a file durable, or the names in a folder.
func Sync(in Root, name string) error {
	f, err := in.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
