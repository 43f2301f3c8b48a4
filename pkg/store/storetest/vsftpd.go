package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// NewVsftpd starts an installed vsftpd over dir, a folder of Folder, for anonymous users. It skips the test if vsftpd is missing. If encrypted, the
// server requires data connections to resume the session. Its certificate is in PEM.
func NewVsftpd(t *testing.T, dir string, encrypted bool) (address, cert string) {
	t.Helper()
	program := Program(t, "vsftpd", "vsftpd", "/usr/sbin/vsftpd")
	port := Port(t)
	cert, pemFile := certificate(t)
	lines := []string{
		"listen=YES", "listen_address=127.0.0.1", "listen_port=" + port, "background=NO", "run_as_launching_user=YES",
		"anonymous_enable=YES", "no_anon_password=YES", "anon_root=" + dir, "allow_writeable_chroot=YES",
		"write_enable=YES", "anon_upload_enable=YES", "anon_mkdir_write_enable=YES", "anon_other_write_enable=YES", "anon_umask=022", "anon_world_readable_only=NO",
		"seccomp_sandbox=NO", "isolate=NO", "isolate_network=NO", "secure_chroot_dir=" + t.TempDir(), "utf8_filesystem=YES",
	}
	if encrypted {
		lines = append(lines, "ssl_enable=YES", "allow_anon_ssl=YES", "force_anon_data_ssl=YES", "force_anon_logins_ssl=YES", "require_ssl_reuse=YES", "ssl_ciphers=HIGH", "rsa_cert_file="+pemFile, "rsa_private_key_file="+pemFile)
	}
	conf := filepath.Join(t.TempDir(), "vsftpd.conf")
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	Start(t, "127.0.0.1:"+port, program, conf)
	return "127.0.0.1:" + port, cert
}

// Folder returns a folder that servers of another user may enter.
func Folder(t *testing.T) string {
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
