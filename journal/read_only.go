package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ReadOnly reads a journal beside the process that writes it.
type ReadOnly struct{ store *Store }

// OpenReadOnly opens the journal in a folder. It creates and locks nothing. The error wraps fs.ErrNotExist if there is no journal, and is
// ErrForeign for one of another version.
func OpenReadOnly(dir string) (_ *ReadOnly, err error) {
	s := &Store{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the journal in %s: %w", dir, err), s.close())
		}
	}()
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName)
	if _, err = os.Stat(path); err != nil {
		return nil, err
	}
	if s.read, err = openDB(path, "query_only(1)"); err != nil {
		return nil, err
	}
	found, err := schemaVersion(context.Background(), s.read)
	if err != nil {
		return nil, err
	}
	if found != version {
		return nil, fmt.Errorf("%w: it has version %d of the format, and this program reads version %d: start the new Hookline first, which converts it", ErrForeign, found, version)
	}
	if s.pack, err = openPacker(s.read, nil); err != nil {
		return nil, err
	}
	if err = prepare(context.Background(), s.read, s.queries.all()); err != nil {
		return nil, err
	}
	return &ReadOnly{s}, nil
}

// Each is Each of a Store.
func (r *ReadOnly) Each(ctx context.Context, f Filter, visit func(Detail) (more bool)) error {
	return r.store.Each(ctx, f, visit)
}

// Close closes the file. Call it once.
func (r *ReadOnly) Close() error { return r.store.close() }
