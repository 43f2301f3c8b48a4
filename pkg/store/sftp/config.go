package sftp

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/hookline/hookline/pkg/store"
)

// Config says which server, and who we are to it.
type Config struct {
	// Address is host or host:port; default port 22. Required.
	Address string `yaml:"address"`
	// User is required, and so is one of Password and Key.
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	// Key is a private key in PEM or OpenSSH's form, KeyPassword what it is encrypted with, if it is.
	Key         string `yaml:"key"`
	KeyPassword string `yaml:"key_password"`
	// KnownHosts are lines of a known_hosts file, as ssh-keyscan prints them. It or Fingerprint is required: a server is
	// never trusted unseen.
	KnownHosts string `yaml:"known_hosts"`
	// Fingerprint is that of the server's key, "SHA256:..." as ssh-keygen -l prints it.
	Fingerprint string `yaml:"fingerprint"`
	// Dir is the folder on the server that everything is under; default where the user lands.
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
		methods = append(methods, ssh.Password(c.Password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions)) // some servers ask for the password in this way only
			for i := range answers {
				answers[i] = c.Password
			}
			return answers, nil
		}))
	}
	if len(methods) == 0 {
		return nil, errors.New("password or key: one is required")
	}
	return methods, nil
}
