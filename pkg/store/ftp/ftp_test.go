package ftp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/ftp"
	"github.com/hookline/hookline/pkg/store/storetest"
)

// TestVsftpd runs against vsftpd, with explicit TLS, in which it wants data connections to resume the session, and without.
func TestVsftpd(t *testing.T) {
	t.Parallel()
	program := storetest.Program(t, "vsftpd", "vsftpd", "/usr/sbin/vsftpd")
	for _, mode := range []string{"explicit", "none"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dir, port := folder(t), storetest.Port(t)
			cert, pemFile := certificate(t)
			lines := []string{
				"listen=YES", "listen_address=127.0.0.1", "listen_port=" + port, "background=NO", "run_as_launching_user=YES",
				"anonymous_enable=YES", "no_anon_password=YES", "anon_root=" + dir, "allow_writeable_chroot=YES",
				"write_enable=YES", "anon_upload_enable=YES", "anon_mkdir_write_enable=YES", "anon_other_write_enable=YES", "anon_umask=022", "anon_world_readable_only=NO",
				"seccomp_sandbox=NO", "isolate=NO", "isolate_network=NO", "secure_chroot_dir=" + t.TempDir(), "utf8_filesystem=YES",
			}
			if mode == "explicit" {
				lines = append(lines, "ssl_enable=YES", "allow_anon_ssl=YES", "force_anon_data_ssl=YES", "force_anon_logins_ssl=YES", "require_ssl_reuse=YES", "ssl_ciphers=HIGH", "rsa_cert_file="+pemFile, "rsa_private_key_file="+pemFile)
			}
			conf := filepath.Join(t.TempDir(), "vsftpd.conf")
			if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			storetest.Start(t, "127.0.0.1:"+port, program, conf)
			place := newPlace(t, ftp.Config{Address: "127.0.0.1:" + port, TLS: mode, CA: cert})
			storetest.Run(t, place, storetest.Files(os.DirFS(dir)))
			if mode == "explicit" {
				refused(t, ftp.Config{Address: "127.0.0.1:" + port}, "set ca")
				refused(t, ftp.Config{Address: "127.0.0.1:" + port, TLS: "none"}, "whether the server wants TLS")
			}
		})
	}
}

// TestPyftpdlib runs against another implementation, which asks for a password.
func TestPyftpdlib(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	address := pyftpdlib(t, dir)
	good := ftp.Config{Address: address, User: "alma", Password: "secret", TLS: "none", Dir: "exports"}
	storetest.Run(t, newPlace(t, good), storetest.Files(os.DirFS(dir)))
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

func newPlace(t *testing.T, cfg ftp.Config) store.Place {
	t.Helper()
	place, err := ftp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func refused(t *testing.T, cfg ftp.Config, want string) {
	t.Helper()
	_, err := newPlace(t, cfg).Connect(t.Context())
	if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v, not %s", err, want)
	}
}

// folder is one that servers may enter that run as somebody else.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil { //nolint:gosec // a test's
			t.Fatal(err)
		}
	}
	return dir
}

func certificate(t *testing.T) (cert, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	file = filepath.Join(t.TempDir(), "server.pem")
	text := fmt.Sprintf("%s%s", cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return cert, file
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := ftp.New(ftp.Config{TLS: "yes", CA: "x"})
	for _, want := range []string{"address: is required", "tls: must be explicit or none"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
