// Package store says what a place that files are fetched from or delivered to promises. The folders below it hold a
// kind of place each: its Config, New, which checks that, and Connect.
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

// Location is where files are, once its Config was checked.
type Location interface {
	// Connect opens a connection, which its user closes. It ends with ctx.
	Connect(ctx context.Context) (Conn, error)
}

// Conn is a connection to a place, for one user at a time. Names have "/" between folders and are under the folder of the
// place's Config.
type Conn interface {
	Source
	Target
	io.Closer
}

// Source is where files are fetched from.
type Source interface {
	// List names the files of a folder, "" for the uppermost, without what is below it, in no order. A
	// folder that is not there is fs.ErrNotExist, or empty where the place has no folders.
	List(ctx context.Context, dir string) ([]string, error)
	// Open reads a file; the stream ends with ctx. A file that is not there is fs.ErrNotExist, here or at the first Read.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
}

// Target is where files are delivered to.
type Target interface {
	// Put makes content the file name, in place of one that is there, and makes the folders above it. Where the
	// place allows it, nobody sees a part of the file: it gets its name when it is whole. After an error, of content
	// too, there is no new file.
	Put(ctx context.Context, name string, content io.Reader) error
	// Has tells whether there is a file of that name.
	Has(ctx context.Context, name string) (bool, error)
}

// ErrRefused is in an error that no repeat can heal: a person has to change what is configured here or allowed there.
var ErrRefused = errors.New("refused")

// PartName is a new name beside name for a file that is not whole yet. It is hidden, ends in ".part", and is another
// each time, so that two writers never share one; a writer that is killed leaves its part behind.
func PartName(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+"."+rand.Text()[:12]+".part")
}

// IsPart tells whether name is one that PartName makes.
func IsPart(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, ".part")
}

// Linger is how long a connection may still clean up after its context has ended.
const Linger = 3 * time.Second

// CloseAfter closes what does not know contexts, Linger after ctx ends. Stop it when that was closed otherwise.
func CloseAfter(ctx context.Context, c io.Closer) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		time.AfterFunc(Linger, func() { _ = c.Close() }) // whoever uses it gets the error
	})
}

// Reader is r until ctx ends. Its errors but io.EOF are wrapped, and hide one within: some clients take a bare
// io.ErrUnexpectedEOF, or whatever wraps an io.EOF, for the end and would store half a file as a whole one.
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
