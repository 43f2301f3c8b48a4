package storetest

import (
	"os"
	osuser "os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// OpenSSH is an installed sshd, for the user who runs the test.
type OpenSSH struct {
	SFTP
	// Name is the user's name.
	Name string
}

// NewOpenSSH starts one, which ends with the test. It skips the test if sshd is missing.
func NewOpenSSH(t *testing.T) OpenSSH {
	t.Helper()
	program := Program(t, "openssh-server", "sshd", "/usr/sbin/sshd")
	dir, port := t.TempDir(), Port(t)
	host, hostPEM := NewKey(t)
	user, userPEM := NewKey(t)
	at := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	me, err := osuser.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" { // it requires this folder
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Skip(err)
		}
	}
	conf := at("sshd_config", strings.Join([]string{
		"ListenAddress 127.0.0.1", "Port " + port, "HostKey " + at("host", hostPEM), "AuthorizedKeysFile " + at("user", string(ssh.MarshalAuthorizedKey(user.PublicKey()))),
		"StrictModes no", "UsePAM no", "PidFile none", "PermitRootLogin prohibit-password", "Subsystem sftp internal-sftp",
	}, "\n")+"\n")
	Start(t, "127.0.0.1:"+port, program, "-D", "-e", "-f", conf)
	return OpenSSH{SFTP{"127.0.0.1:" + port, host, userPEM}, me.Username}
}
