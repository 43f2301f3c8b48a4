package sftp

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
)

// Config is an SFTP server, and the login.
type Config struct {
	// Address is the server, host or host:port; the default port is 22.
	Address string `yaml:"address" schema:"required"`
	// User is the login. It needs a password or a key.
	User string `yaml:"user" schema:"required"`
	// Password is the login's password.
	Password setting.Secret `yaml:"password"`
	// Key is the login's private key, in PEM or OpenSSH's form.
	Key setting.Secret `yaml:"key"`
	// KeyPassword decrypts the key, if it is encrypted.
	KeyPassword setting.Secret `yaml:"key_password"`
	// KnownHosts are lines of a known_hosts file, as ssh-keyscan prints them. This or fingerprint is required: Hookline trusts no unknown
	// server.
	KnownHosts string `yaml:"known_hosts"`
	// Fingerprint is the fingerprint of the server's key, SHA256:... as ssh-keygen -l prints it.
	Fingerprint string `yaml:"fingerprint"`
	// Dir is the folder on the server for all files. Default: the login's folder.
	Dir string `yaml:"dir"`
}

type location struct {
	address, dir string
	client       *ssh.ClientConfig
}

// New checks cfg. It connects to nothing.
func New(cfg Config) (store.Location, error) {
	var errs []error
	if cfg.Address == "" || cfg.User == "" {
		errs = append(errs, errors.New("address, user: are required"))
	}
	auth, err := cfg.auth()
	errs = append(errs, err)
	check, algorithms, err := cfg.hostKey()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &location{cfg.address(), strings.TrimRight(cfg.Dir, "/"), &ssh.ClientConfig{
		User: cfg.User, Auth: auth, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
	}}, nil
}

func (c Config) address() string {
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		return net.JoinHostPort(strings.Trim(c.Address, "[]"), "22")
	}
	return c.Address
}

func (c Config) auth() (methods []ssh.AuthMethod, err error) {
	if c.Key != "" {
		var key ssh.Signer
		if c.KeyPassword != "" {
			key, err = ssh.ParsePrivateKeyWithPassphrase([]byte(c.Key), []byte(c.KeyPassword))
		} else {
			key, err = ssh.ParsePrivateKey([]byte(c.Key))
		}
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		methods = append(methods, ssh.PublicKeys(key))
	}
	if c.Password != "" {
		methods = append(methods, ssh.Password(string(c.Password)), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions)) // some servers ask for the password only in this way
			for i := range answers {
				answers[i] = string(c.Password)
			}
			return answers, nil
		}))
	}
	if len(methods) == 0 {
		return nil, errors.New("password or key: one is required")
	}
	return methods, nil
}
