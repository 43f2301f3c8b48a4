package ftp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
)

// Config is an FTP server, and the login.
type Config struct {
	// Address is the server, host or host:port; the default port is 21.
	Address string `yaml:"address" schema:"required"`
	// User is the login.
	User string `yaml:"user" schema:"default=anonymous"`
	// Password is the login's password.
	Password setting.Secret `yaml:"password"`
	// TLS is explicit, which encrypts the connection and the files after AUTH TLS, or none, which sends everything in clear text.
	TLS string `yaml:"tls" schema:"enum=explicit|none; default=explicit"`
	// CA are PEM certificates that verify the server's. Default: the system's.
	CA string `yaml:"ca"`
	// Dir is the folder on the server for all files. Default: the login's folder.
	Dir string `yaml:"dir"`
}

type location struct {
	address, user, password, dir string
	tls                          *tls.Config   // nil: none
	wait                         time.Duration // time for the server's reply at the end of a file
}

// New checks cfg. It connects to nothing.
func New(cfg Config) (store.Location, error) {
	p := &location{address: cfg.Address, user: cfg.User, password: string(cfg.Password), dir: cfg.Dir, wait: dialTimeout}
	var errs []error
	if cfg.Address == "" {
		errs = append(errs, errors.New("address: is required"))
	}
	host, _, err := net.SplitHostPort(cfg.Address)
	if err != nil {
		host = strings.Trim(cfg.Address, "[]")
		p.address = net.JoinHostPort(host, "21")
	}
	if p.user == "" {
		p.user, p.password = "anonymous", "anonymous"
	}
	switch cfg.TLS {
	case "", "explicit":
		// Servers may require data connections to resume the session of the control connection. With TLS 1.3 and vsftpd that
		// fails, because its tickets come too late.
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, ServerName: host, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	case "none":
	default:
		errs = append(errs, errors.New("tls: must be explicit or none"))
	}
	if cfg.CA != "" && p.tls != nil {
		p.tls.RootCAs = x509.NewCertPool()
		if !p.tls.RootCAs.AppendCertsFromPEM([]byte(cfg.CA)) {
			errs = append(errs, errors.New("ca: holds no PEM certificate"))
		}
	}
	return p, errors.Join(errs...)
}
