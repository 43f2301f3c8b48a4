// Package store defines storage locations, which files are fetched from or delivered to. Each folder below it implements one
// kind of location: its Config, New, which checks the Config, and Connect.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// Location is a storage location with a checked Config.
type Location interface {
	// Connect opens a connection, which the caller closes. The connection ends with ctx.
	Connect(ctx context.Context) (Conn, error)
}

// Conn is a connection to a location, for one user at a time. Names have "/" between folders and are relative to the folder of the
// location's Config.
type Conn interface {
	Source
	Target
	io.Closer
}

// Source is a location to fetch files from.
type Source interface {
	// List returns the names of the files in a folder, "" for the uppermost, without subfolders, in no order. It returns
	// fs.ErrNotExist for a missing folder, or no names if the location has no folders.
	List(ctx context.Context, dir string) ([]string, error)
	// Open opens a file; the stream ends with ctx. A missing file gives fs.ErrNotExist, from Open or from the first Read.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
}

// Target is a location to deliver files to.
type Target interface {
	// Put writes content to the file name, replaces an existing one, and makes missing folders. If the location allows it, the file is
	// never visible in part: it gets its name when it is complete. After an error, also one of content,
	// there is no new file.
	Put(ctx context.Context, name string, content io.Reader) error
	// Has reports whether there is a file of that name.
	Has(ctx context.Context, name string) (bool, error)
}

// ErrRefused marks an error that no repeat can solve: a person has to change the configuration here or the permissions there.
var ErrRefused = errors.New("refused")

// PartName returns a new name beside name for an incomplete file. It is hidden and ends in ".part". It is different
// each time, so that two writers never share one. A writer that is killed leaves its part behind.
func PartName(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+"."+rand.Text()[:12]+".part")
}

// IsPart reports whether PartName made name.
func IsPart(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, ".part")
}

// Linger is the time for a connection to clean up after its context has ended.
const Linger = 3 * time.Second

// CloseAfter closes a connection that ignores contexts, Linger after ctx ends. Call stop when the connection is closed earlier.
func CloseAfter(ctx context.Context, c io.Closer) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		time.AfterFunc(Linger, func() { _ = c.Close() }) // its user gets the error
	})
}

// Reader returns a reader of r that ends with ctx. It wraps all errors but io.EOF, and hides a wrapped io.EOF: some clients take a bare
// io.ErrUnexpectedEOF, or an error that wraps io.EOF, for the end, and would store half a file as a complete one.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context //nolint:containedctx // io.Reader has no other way
	in  io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.in.Read(p)
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // a wrapped one is not the end
		return n, err
	case errors.Is(err, io.EOF):
		return n, fmt.Errorf("content: %w (%s)", io.ErrUnexpectedEOF, err.Error())
	}
	return n, fmt.Errorf("content: %w", err)
}
