package webdav_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	dav "golang.org/x/net/webdav"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/storetest"
	"github.com/hookline/hookline/pkg/store/webdav"
)

func TestServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := &dav.Handler{Prefix: "/dav", FileSystem: dav.Dir(dir), LockSystem: dav.NewMemLS()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "alma" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	location, err := webdav.New(webdav.Config{URL: server.URL + "/dav/", User: "alma", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, location, storetest.Files(os.DirFS(dir)))

	location, err = webdav.New(webdav.Config{URL: server.URL + "/dav/", User: "alma", Password: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := location.Connect(t.Context())
	if err := conn.Put(t.Context(), "x.xml", strings.NewReader("x")); !errors.Is(err, store.ErrRefused) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestALockIsWaitedFor(t *testing.T) {
	t.Parallel()
	files := &dav.Handler{FileSystem: dav.Dir(t.TempDir()), LockSystem: dav.NewMemLS()}
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked[r.Method]++; asked[r.Method] == 1 && r.Method != http.MethodPut {
			w.WriteHeader(http.StatusLocked)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	location, err := webdav.New(webdav.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := location.Connect(t.Context())
	if err := conn.Put(t.Context(), "x.xml", strings.NewReader("x")); err != nil || asked["MKCOL"] != 2 || asked["MOVE"] != 2 {
		t.Errorf("%v after %v", err, asked)
	}
}

// TestAServerThatKeepsLessThanItWasSent is one such as PHP behind some FastCGI, which sees nothing of a body of unknown length and says 201.
func TestAServerThatKeepsLessThanItWasSent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := &dav.Handler{FileSystem: dav.Dir(dir), LockSystem: dav.NewMemLS()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body = http.NoBody
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	location, err := webdav.New(webdav.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := location.Connect(t.Context())
	if err := conn.Put(t.Context(), "x.xml", strings.NewReader("content")); err == nil || !strings.Contains(err.Error(), "kept 0 of 7 bytes") {
		t.Errorf("%v", err)
	}
	if names := storetest.Files(os.DirFS(dir))(t); len(names) > 0 {
		t.Error(names)
	}
}

func TestNewRefusesInvalidFolders(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "ftp://host/x", "https://user:secret@host/", "host/x", "https://host/?x"} {
		if _, err := webdav.New(webdav.Config{URL: bad}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
