package ftp_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/ftp"
	"github.com/hookline/hookline/pkg/store/storetest"
)

// TestVsftpd runs against vsftpd, with explicit TLS, in which it wants data connections to resume the session, and without.
func TestVsftpd(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"explicit", "none"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dir := storetest.Folder(t)
			address, cert := storetest.NewVsftpd(t, dir, mode == "explicit")
			location := newLocation(t, ftp.Config{Address: address, TLS: mode, CA: cert})
			storetest.Run(t, location, storetest.Files(os.DirFS(dir)))
			if mode == "explicit" {
				refused(t, ftp.Config{Address: address}, "set ca")
				refused(t, ftp.Config{Address: address, TLS: "none"}, "whether the server wants TLS")
			}
		})
	}
}

// TestPyftpdlib runs against another implementation, which asks for a password.
func TestPyftpdlib(t *testing.T) {
	t.Parallel()
	dir := storetest.Folder(t)
	address := pyftpdlib(t, dir)
	good := ftp.Config{Address: address, User: "alma", Password: "secret", TLS: "none", Dir: "exports"}
	storetest.Run(t, newLocation(t, good), storetest.Files(os.DirFS(dir)))
	bad := good
	bad.Password = "hush"
	refused(t, bad, "check user and password")
}

// pyftpdlib starts a server over dir, for the user alma with the password secret, and returns its address.
func pyftpdlib(t *testing.T, dir string) string {
	t.Helper()
	python := storetest.Program(t, "python3-pyftpdlib", "/usr/bin/python3")
	if exec.Command(python, "-c", "import pyftpdlib").Run() != nil {
		t.Skip("pyftpdlib is not installed; apt-get install python3-pyftpdlib")
	}
	port := storetest.Port(t)
	storetest.Start(t, "127.0.0.1:"+port, python, "-m", "pyftpdlib", "-i", "127.0.0.1", "-p", port, "-w", "-d", dir, "-u", "alma", "-P", "secret")
	return "127.0.0.1:" + port
}

func newLocation(t *testing.T, cfg ftp.Config) store.Location {
	t.Helper()
	location, err := ftp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func refused(t *testing.T, cfg ftp.Config, want string) {
	t.Helper()
	_, err := newLocation(t, cfg).Connect(t.Context())
	if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v, not %s", err, want)
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	_, err := ftp.New(ftp.Config{TLS: "yes", CA: "x"})
	for _, want := range []string{"address: is required", "tls: must be explicit or none"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
