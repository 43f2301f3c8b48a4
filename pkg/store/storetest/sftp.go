package storetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// SFTP is an SSH server with the SFTP subsystem of pkg/sftp, over a folder of this machine.
type SFTP struct {
	Address string
	// Host is the server's key.
	Host ssh.Signer
	// User is the accepted private key, in OpenSSH's form, besides the password "secret".
	User string
}

// NewSFTP starts a server, which ends with the test.
func NewSFTP(t *testing.T, dir string) SFTP {
	t.Helper()
	host, _ := NewKey(t)
	user, userPEM := NewKey(t)
	config := &ssh.ServerConfig{
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "secret" {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(user.PublicKey().Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
	}
	config.AddHostKey(host)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			tcp, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(tcp, config, dir)
		}
	}()
	return SFTP{listener.Addr().String(), host, userPEM}
}

func serve(tcp net.Conn, config *ssh.ServerConfig, dir string) {
	defer func() { _ = tcp.Close() }()
	_, channels, requests, err := ssh.NewServerConn(tcp, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		channel, requests, err := asked.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range requests {
				_ = request.Reply(request.Type == "subsystem", nil)
			}
		}()
		go func() {
			if s, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(dir)); err == nil {
				_ = s.Serve() // until the client disconnects
			}
			_ = channel.Close()
		}()
	}
}

// NewKey returns a new key, also in OpenSSH's form.
func NewKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}
