package reconcile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/hookline/hookline/pkg/durable"
	"github.com/hookline/hookline/pkg/handler"
)

// arrivals records the runs whose events have arrived, as an empty file for each run in a durable folder.
type arrivals struct{ dir string }

// beginFile is as old as the record.
const beginFile = ".began"

// runID matches Alma's IDs of runs. No other text becomes a file name.
var runID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// open makes the folder if needed, and returns the begin of the record: earlier arrivals are unknown.
func (a arrivals) open(now time.Time) (began time.Time, err error) {
	if err := durable.MkdirAll(durable.OS{}, a.dir, 0o700); err != nil {
		return time.Time{}, fmt.Errorf("seen: %w", err)
	}
	name := filepath.Join(a.dir, beginFile)
	if err := touch(name); err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return time.Time{}, fmt.Errorf("seen: %w", err)
	}
	if at := info.ModTime(); at.Before(now) {
		return at, nil
	}
	return now, nil
}

func (a arrivals) add(id string) error {
	name, err := a.path(id)
	if err != nil {
		return handler.Permanent(err)
	}
	return touch(name)
}

func (a arrivals) has(id string) (bool, error) {
	name, err := a.path(id)
	if err != nil {
		return false, err
	}
	switch _, err := os.Stat(name); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("seen: %w", err)
	}
}

// forget removes runs that arrived before a time. It leaves other files alone.
func (a arrivals) forget(before time.Time) error {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return fmt.Errorf("seen: %w", err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && runID.MatchString(entry.Name()) && info.Mode().IsRegular() && info.Size() == 0 && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(a.dir, entry.Name())) // another worker may have removed it
		}
	}
	return nil
}

func (a arrivals) path(id string) (string, error) {
	if !runID.MatchString(id) {
		return "", fmt.Errorf("seen: %.64q is not the ID of a run", id)
	}
	return filepath.Join(a.dir, id), nil
}

// touch makes an empty durable file, if it does not exist.
func touch(name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(file.Sync(), file.Close(), durable.Sync(durable.OS{}, filepath.Dir(name)))
	}
	if err != nil {
		return fmt.Errorf("seen: %w", err)
	}
	return nil
}
