package ftp_test

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/store/ftp"
	"github.com/hookline/hookline/pkg/store/storetest"
)

// TestAConnectionCanRestBetweenFiles as long as it takes to make the next one.
func TestAConnectionCanRestBetweenFiles(t *testing.T) {
	t.Parallel()
	dir := storetest.Folder(t)
	location := newLocation(t, ftp.Config{Address: pyftpdlib(t, dir), User: "alma", Password: "secret", TLS: "none"})
	ftp.WaitAtEnd(location, 50*time.Millisecond)
	conn, err := location.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	rest := func() { <-time.After(100 * time.Millisecond) }
	for range 2 {
		if err := conn.Put(t.Context(), "x.xml", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		rest()
		in, err := conn.Open(t.Context(), "x.xml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.Copy(io.Discard, in); err != nil {
			t.Fatal(err)
		}
		rest()
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if names, err := conn.List(t.Context(), ""); err != nil || len(names) != 1 {
			t.Fatalf("%v, %v", names, err)
		}
		rest()
	}
	if names := storetest.Files(os.DirFS(dir))(t); len(names) != 1 {
		t.Error(names)
	}
}
