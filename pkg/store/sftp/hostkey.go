package sftp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the form of hashed names in known_hosts (sshd(8)); it protects no key
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hookline/hookline/pkg/store"
)

// hostKey returns the check of the server's key, and the algorithms of the known keys.
func (c Config) hostKey() (ssh.HostKeyCallback, []string, error) {
	switch {
	case c.KnownHosts == "" && c.Fingerprint == "":
		return nil, nil, errors.New("known_hosts or fingerprint: one is required, so that no other server can pose as this one; `ssh-keyscan HOST` prints lines for known_hosts, which you compare with those of the operator")
	case c.Fingerprint != "" && !strings.HasPrefix(c.Fingerprint, "SHA256:"):
		return nil, nil, errors.New(`fingerprint: must begin with "SHA256:", as ssh-keygen -l prints it`)
	case c.KnownHosts == "":
		return c.check(nil), nil, nil
	}
	keys, err := knownKeys(c.KnownHosts, knownhosts.Normalize(c.address()))
	if err != nil {
		return nil, nil, fmt.Errorf("known_hosts: %w", err)
	}
	if len(keys) == 0 {
		return nil, nil, fmt.Errorf("known_hosts: has no key of %s", knownhosts.Normalize(c.address()))
	}
	return c.check(keys), algorithms(keys), nil
}

// check accepts one of the known keys, or the key with the fingerprint.
func (c Config) check(known []ssh.PublicKey) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		same := func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) }
		if slices.ContainsFunc(known, same) || c.Fingerprint != "" && ssh.FingerprintSHA256(key) == c.Fingerprint {
			return nil
		}
		return fmt.Errorf("%w: the server shows an unknown key, %s: either its key has changed, which its operator can confirm (then change known_hosts or fingerprint), or another machine is in between", store.ErrRefused, ssh.FingerprintSHA256(key))
	}
}

// knownKeys returns the keys of a host from the lines of a known_hosts file, by name or by hash. It skips patterns and
// markers.
func knownKeys(lines, host string) (keys []ssh.PublicKey, err error) {
	rest := []byte(lines)
	for {
		marker, hosts, key, _, more, err := ssh.ParseKnownHosts(rest)
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		if marker == "" && slices.ContainsFunc(hosts, func(name string) bool { return name == host || hashed(name, host) }) {
			keys = append(keys, key)
		}
		rest = more
	}
}

// hashed reports whether name is |1|salt|hash of host.
func hashed(name, host string) bool {
	parts := strings.Split(name, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(host))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)) == parts[3]
}

func algorithms(keys []ssh.PublicKey) (names []string) {
	for _, key := range keys {
		if key.Type() == ssh.KeyAlgoRSA {
			names = append(names, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			names = append(names, key.Type())
		}
	}
	return names
}
