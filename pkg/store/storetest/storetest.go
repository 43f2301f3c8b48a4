// Package storetest is the conformance suite of all locations.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hookline/hookline/pkg/store"
)

// Sizes in bytes: a large file takes three parts at least, a file longer than a part takes two.
const (
	large = 17<<20 + 123
	part  = 8<<20 + 123
)

// Run tests a location. raw lists all files that exist, with parts, without the location's own code.
func Run(t *testing.T, location store.Location, raw func(t *testing.T) []string) {
	s := suite{location, connect(t, location), raw}
	t.Run("a put file is in its folder and replaces the old one", s.testPut)
	t.Run("a listing has the files of one folder", s.testList)
	t.Run("a missing file is ErrNotExist", s.testMissing)
	t.Run("content that fails leaves the old file", s.testFailingContent)
	t.Run("a context that ends in the middle leaves the old file", s.testCancelled)
	t.Run("concurrent writers leave one whole file", s.testConcurrentWriters)
}

// suite tests one location over one connection.
type suite struct {
	location store.Location
	conn     store.Conn
	raw      func(t *testing.T) []string
}

// clean checks that no part is left.
func (s suite) clean(t *testing.T) {
	t.Helper()
	names := s.raw(t)
	if i := slices.IndexFunc(names, store.IsPart); i >= 0 {
		t.Errorf("a part was left: %s", names[i])
	}
}

func (s suite) testPut(t *testing.T) {
	for _, name := range []string{"top.xml", "a/b/c/deep.xml", "a/b/odd [050]_+=@,%41 #?&é.xml"} {
		for _, text := range []string{"first and longer", "second", "", "last"} {
			put(t, s.conn, name, text)
			if got := get(t, s.conn, name); got != text {
				t.Fatalf("%s: %d bytes (%.20q), put %d", name, len(got), got, len(text))
			}
		}
		if there, err := s.conn.Has(t.Context(), name); !there || err != nil {
			t.Errorf("Has(%s) = %v, %v", name, there, err)
		}
	}
	put(t, s.conn, "large.xml", pattern(large))
	if get(t, s.conn, "large.xml") != pattern(large) {
		t.Error("a large file came back as another")
	}
	s.clean(t)
}

func (s suite) testList(t *testing.T) {
	put(t, s.conn, "list/one.xml", "1")
	put(t, s.conn, "list/two [1].xml", "2")
	put(t, s.conn, "list/below/three.xml", "3")
	names, err := s.conn.List(t.Context(), "list")
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"list/one.xml", "list/two [1].xml"}) {
		t.Errorf("%q, %v", names, err)
	}
	if names, err := s.conn.List(t.Context(), ""); err != nil || !slices.Contains(names, "top.xml") {
		t.Errorf("%q, %v", names, err)
	}
}

func (s suite) testMissing(t *testing.T) {
	in, err := s.conn.Open(t.Context(), "nothing.xml")
	if err == nil {
		_, err = io.ReadAll(in)
		_ = in.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
	if there, err := s.conn.Has(t.Context(), "nowhere/nothing.xml"); there || err != nil {
		t.Errorf("Has: %v, %v", there, err)
	}
	if names, err := s.conn.List(t.Context(), "nowhere"); len(names) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List: %q, %v", names, err)
	}
}

func (s suite) testFailingContent(t *testing.T) {
	put(t, s.conn, "kept.xml", "old")
	for _, wrong := range []error{errors.New("wrong"), io.ErrUnexpectedEOF, fmt.Errorf("cut off: %w", io.ErrUnexpectedEOF), fmt.Errorf("connection: %w", io.EOF)} {
		for _, size := range []int{0, 5, part} {
			if size == part && wrong != io.ErrUnexpectedEOF { //nolint:errorlint // one of them is enough
				continue
			}
			for _, name := range []string{"kept.xml", "new.xml"} {
				err := s.conn.Put(t.Context(), name, io.MultiReader(strings.NewReader(pattern(size)), failing{wrong}))
				if err == nil || !errors.Is(err, wrong) && !errors.Is(wrong, io.EOF) {
					t.Errorf("%d bytes, then %v: %v", size, wrong, err)
				}
			}
		}
	}
	if got := get(t, s.conn, "kept.xml"); got != "old" {
		t.Errorf("%d bytes instead of the old file", len(got))
	}
	if there, err := s.conn.Has(t.Context(), "new.xml"); there || err != nil {
		t.Errorf("Has: %v, %v", there, err)
	}
	s.clean(t)
	put(t, s.conn, "kept.xml", "and it goes on")
}

func (s suite) testCancelled(t *testing.T) {
	put(t, s.conn, "cancelled.xml", "old")
	ctx, cancel := context.WithCancel(t.Context())
	other := connectWith(ctx, t, s.location)
	content := io.MultiReader(strings.NewReader(pattern(part)), called(cancel), strings.NewReader(pattern(part)))
	if err := other.Put(ctx, "cancelled.xml", content); err == nil {
		t.Error("no error")
	}
	if got := get(t, s.conn, "cancelled.xml"); got != "old" {
		t.Errorf("%d bytes instead of the old file", len(got))
	}
	s.clean(t)
}

func (s suite) testConcurrentWriters(t *testing.T) {
	texts := []string{strings.Repeat("a", 300_000), strings.Repeat("b", 200_000), strings.Repeat("c", 100_000)}
	var writers sync.WaitGroup
	for _, text := range texts {
		conn := connect(t, s.location)
		writers.Go(func() {
			if err := conn.Put(t.Context(), "raced.xml", strings.NewReader(text)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if got := get(t, s.conn, "raced.xml"); !slices.Contains(texts, got) {
		t.Errorf("%d bytes of no writer", len(got))
	}
	s.clean(t)
}

func connect(t *testing.T, location store.Location) store.Conn {
	t.Helper()
	return connectWith(t.Context(), t, location)
}

func connectWith(ctx context.Context, t *testing.T, location store.Location) store.Conn {
	t.Helper()
	conn, err := location.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func put(t *testing.T, conn store.Conn, name, text string) {
	t.Helper()
	if err := conn.Put(t.Context(), name, strings.NewReader(text)); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

func get(t *testing.T, conn store.Conn, name string) string {
	t.Helper()
	in, err := conn.Open(t.Context(), name)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	text, err := io.ReadAll(in)
	if err := errors.Join(err, in.Close()); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(text)
}

// pattern returns a text without long repetitions.
func pattern(size int) string {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text) // never fails
	return string(text)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// called is a Closer that calls itself.
type called func()

func (c called) Read([]byte) (int, error) {
	c()
	return 0, io.EOF
}

// Files returns the raw of Run for a folder of this machine.
func Files(dir fs.FS) func(t *testing.T) []string {
	return func(t *testing.T) (names []string) {
		t.Helper()
		err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
}
