package config

import (
	"crypto/tls"
	"fmt"
	"net/netip"
)

// tlsFile is the public listener's certificate as it is written.
type tlsFile struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// certificate is nil where none is set.
func (b builder) certificate(f tlsFile) *tls.Certificate {
	if f == (tlsFile{}) {
		return nil
	}
	pair, err := tls.X509KeyPair([]byte(f.Cert), []byte(f.Key))
	if err != nil {
		b.blame([]string{"tls"}, fmt.Errorf("cert and key: %w", err))
	}
	return &pair
}

// networks reads prefixes such as 10.0.0.0/8, and single addresses.
func (b builder) networks(key string, texts []string) (out []netip.Prefix) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			network, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			b.blame([]string{key}, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", text))
		}
		out = append(out, network.Masked())
	}
	return out
}
