package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// writeAll writes files of an event's size.
func writeAll(count, writers int, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	body := make([]byte, 1200)
	var next atomic.Int64
	var group errgroup.Group
	for range writers {
		group.Go(func() error {
			for n := next.Add(1); n <= int64(count); n = next.Add(1) {
				if err := write(filepath.Join(folder, strconv.FormatInt(n, 10)), body, true); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// write makes a file. If synced, its content and its name are durable.
func write(name string, body []byte, synced bool) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil && synced {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil || !synced {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
