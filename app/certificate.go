package app

import (
	"crypto/tls"
	"sync/atomic"
)

// certificate is the public listener's. A renewed one is in force from the next connection on.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}
