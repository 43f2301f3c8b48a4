package sftp_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/sftp"
	"github.com/hookline/hookline/pkg/store/storetest"
)

func newLocation(t *testing.T, cfg sftp.Config) store.Location {
	t.Helper()
	location, err := sftp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func TestServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storetest.NewSFTP(t, dir)
	location := newLocation(t, sftp.Config{Address: s.Address, User: "alma", Password: "secret", KnownHosts: knownhosts.Line([]string{s.Address}, s.Host.PublicKey())})
	storetest.Run(t, location, storetest.Files(os.DirFS(dir)))
}

// TestOpenSSH runs against the server that most will meet.
func TestOpenSSH(t *testing.T) {
	t.Parallel()
	server := storetest.NewOpenSSH(t)
	files := filepath.Join(t.TempDir(), "files")
	location := newLocation(t, sftp.Config{Address: server.Address, User: server.Name, Key: setting.Secret(server.User), Fingerprint: ssh.FingerprintSHA256(server.Host.PublicKey()), Dir: files})
	storetest.Run(t, location, storetest.Files(os.DirFS(files)))
}

func TestAuthenticationAndHostKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storetest.NewSFTP(t, dir)
	other, otherPEM := storetest.NewKey(t)
	name := knownhosts.Normalize(s.Address)
	print := ssh.FingerprintSHA256(s.Host.PublicKey())
	good := sftp.Config{Address: s.Address, User: "alma", Password: "secret", Fingerprint: print, Dir: filepath.Join(dir, "below")}
	for what, c := range map[string]struct {
		change func(*sftp.Config)
		want   string
	}{
		"password": {func(*sftp.Config) {}, ""},
		"key":      {func(c *sftp.Config) { c.Password, c.Key = "", setting.Secret(s.User) }, ""},
		"hashed name": {func(c *sftp.Config) {
			c.Fingerprint, c.KnownHosts = "", knownhosts.HashHostname(name)+" "+string(ssh.MarshalAuthorizedKey(s.Host.PublicKey()))
		}, ""},
		"one of several keys": {func(c *sftp.Config) {
			c.Fingerprint, c.KnownHosts = "", knownhosts.Line([]string{name}, other.PublicKey())+"\n# comment\n"+knownhosts.Line([]string{"x", name}, s.Host.PublicKey())
		}, ""},
		"wrong password":    {func(c *sftp.Config) { c.Password = "hush" }, "check user, password and key"},
		"wrong key":         {func(c *sftp.Config) { c.Password, c.Key = "", setting.Secret(otherPEM) }, "check user, password and key"},
		"wrong fingerprint": {func(c *sftp.Config) { c.Fingerprint = "SHA256:x" }, "shows an unknown key, " + print},
		"wrong known key": {func(c *sftp.Config) {
			c.Fingerprint, c.KnownHosts = "", knownhosts.Line([]string{name}, other.PublicKey())
		}, "shows an unknown key"},
		"known key of another kind": {func(c *sftp.Config) {
			c.Fingerprint, c.KnownHosts = "", knownhosts.Line([]string{name}, rsaKey(t))
		}, "has no key of the known kind"},
	} {
		cfg := good
		c.change(&cfg)
		conn, err := newLocation(t, cfg).Connect(t.Context())
		if err == nil {
			err = errors.Join(conn.Put(t.Context(), "x.xml", strings.NewReader(what)), conn.Close())
		}
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error leaks: %v", what, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "below", "x.xml")); err != nil {
		t.Error(err)
	}
}

func rsaKey(t *testing.T) ssh.PublicKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	_, err := sftp.New(sftp.Config{})
	for _, want := range []string{"address, user: are required", "password or key: one is required", "known_hosts or fingerprint: one is required"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for want, cfg := range map[string]sftp.Config{
		"SHA256:":         {Fingerprint: "MD5:x"},
		"has no key":      {KnownHosts: "other ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Yc0e2kY2yUo5c7u3uVYk4bW1y0m1n2o3p4q5r6s7t"},
		"has no key of h": {KnownHosts: "nonsense"},
	} {
		cfg.Address, cfg.User, cfg.Password = "h", "u", "p"
		if _, err := sftp.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
