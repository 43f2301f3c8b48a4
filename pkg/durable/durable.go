// Package durable makes names outlast a power cut, for which it takes an fsync of the folder that holds a name, too: that of the file, or of
// the folder that it names, says nothing of it.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// Root is where names are: an *os.Root, or OS.
type Root interface {
	Mkdir(name string, perm fs.FileMode) error
	Open(name string) (*os.File, error)
}

// OS has all of this machine's names.
type OS struct{}

// Mkdir is os.Mkdir.
func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// Open is os.Open.
func (OS) Open(name string) (*os.File, error) { return os.Open(name) }

// MkdirAll makes a folder and those above it, as far as they are not there, and the names of those that it has made are durable then. What is
// there stays as it is: whether its name is durable is for whoever made it.
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

// Sync makes the content of a file durable, or of a folder the names in it.
func Sync(in Root, name string) error {
	f, err := in.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
