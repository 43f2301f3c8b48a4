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
	conn := connect(t, location)
	clean := func(t *testing.T) {
		t.Helper()
		if i := slices.IndexFunc(raw(t), store.IsPart); i >= 0 {
			t.Errorf("a part was left: %s", raw(t)[i])
		}
	}
	t.Run("what is put is there, in its folder, and replaces what was", func(t *testing.T) {
		for _, name := range []string{"top.xml", "a/b/c/deep.xml", "a/b/odd [050]_+=@,%41 #?&é.xml"} {
			for _, text := range []string{"first and longer", "second", "", "last"} {
				put(t, conn, name, text)
				if got := get(t, conn, name); got != text {
					t.Fatalf("%s: %d bytes (%.20q), put %d", name, len(got), got, len(text))
				}
			}
			if there, err := conn.Has(t.Context(), name); !there || err != nil {
				t.Errorf("Has(%s) = %v, %v", name, there, err)
			}
		}
		put(t, conn, "large.xml", pattern(large))
		if get(t, conn, "large.xml") != pattern(large) {
			t.Error("a large file came back as another")
		}
		clean(t)
	})
	t.Run("a listing has the files of one folder", func(t *testing.T) {
		put(t, conn, "list/one.xml", "1")
		put(t, conn, "list/two [1].xml", "2")
		put(t, conn, "list/below/three.xml", "3")
		names, err := conn.List(t.Context(), "list")
		slices.Sort(names)
		if err != nil || !slices.Equal(names, []string{"list/one.xml", "list/two [1].xml"}) {
			t.Errorf("%q, %v", names, err)
		}
		if names, err := conn.List(t.Context(), ""); err != nil || !slices.Contains(names, "top.xml") {
			t.Errorf("%q, %v", names, err)
		}
	})
	t.Run("what is not there is ErrNotExist", func(t *testing.T) {
		in, err := conn.Open(t.Context(), "nothing.xml")
		if err == nil {
			_, err = io.ReadAll(in)
			_ = in.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open: %v", err)
		}
		if there, err := conn.Has(t.Context(), "nowhere/nothing.xml"); there || err != nil {
			t.Errorf("Has: %v, %v", there, err)
		}
		if names, err := conn.List(t.Context(), "nowhere"); len(names) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("List: %q, %v", names, err)
		}
	})
	t.Run("content that fails leaves what was there", func(t *testing.T) {
		put(t, conn, "kept.xml", "old")
		for _, wrong := range []error{errors.New("wrong"), io.ErrUnexpectedEOF, fmt.Errorf("cut off: %w", io.ErrUnexpectedEOF), fmt.Errorf("connection: %w", io.EOF)} {
			for _, size := range []int{0, 5, part} {
				if size == part && wrong != io.ErrUnexpectedEOF { //nolint:errorlint // one of them is enough
					continue
				}
				for _, name := range []string{"kept.xml", "new.xml"} {
					err := conn.Put(t.Context(), name, io.MultiReader(strings.NewReader(pattern(size)), failing{wrong}))
					if err == nil || !errors.Is(err, wrong) && !errors.Is(wrong, io.EOF) {
						t.Errorf("%d bytes, then %v: %v", size, wrong, err)
					}
				}
			}
		}
		if got := get(t, conn, "kept.xml"); got != "old" {
			t.Errorf("%d bytes instead of the old file", len(got))
		}
		if there, err := conn.Has(t.Context(), "new.xml"); there || err != nil {
			t.Errorf("Has: %v, %v", there, err)
		}
		clean(t)
		put(t, conn, "kept.xml", "and it goes on")
	})
	t.Run("a context that ends in the middle leaves what was there", func(t *testing.T) {
		put(t, conn, "cancelled.xml", "old")
		ctx, cancel := context.WithCancel(t.Context())
		other := connectWith(ctx, t, location)
		content := io.MultiReader(strings.NewReader(pattern(part)), called(cancel), strings.NewReader(pattern(part)))
		if err := other.Put(ctx, "cancelled.xml", content); err == nil {
			t.Error("no error")
		}
		if got := get(t, conn, "cancelled.xml"); got != "old" {
			t.Errorf("%d bytes instead of the old file", len(got))
		}
		clean(t)
	})
	t.Run("writers at once leave one whole file", func(t *testing.T) {
		texts := []string{strings.Repeat("a", 300_000), strings.Repeat("b", 200_000), strings.Repeat("c", 100_000)}
		var writers sync.WaitGroup
		for _, text := range texts {
			conn := connect(t, location)
			writers.Go(func() {
				if err := conn.Put(t.Context(), "raced.xml", strings.NewReader(text)); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		if got := get(t, conn, "raced.xml"); !slices.Contains(texts, got) {
			t.Errorf("%d bytes of nobody", len(got))
		}
		clean(t)
	})
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
