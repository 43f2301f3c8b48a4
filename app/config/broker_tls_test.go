package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/app/config"
)

// authority is a self-signed certificate for rabbit.example, and its key, in PEM.
type authority struct{ cert, key string }

func newAuthority(t *testing.T) authority {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"rabbit.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return authority{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}
}

// broker reads a configuration with keys of broker beside the URL.
func broker(t *testing.T, keys map[string]string) (*config.Config, error) {
	t.Helper()
	keys["url"] = "amqps://rabbit:5671/"
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, "broker: "+string(text)+"\n"+small)
}

// handshake speaks TLS with a server that has the certificate of its own authority and trusts clients of it, and returns the errors of
// both sides.
func handshake(t *testing.T, server authority, client *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(server.cert), []byte(server.key))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(server.cert))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		far, err := listener.Accept()
		if err != nil {
			done <- err
			return
		}
		defer far.Close()
		conn := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted, MinVersion: tls.VersionTLS12})
		if err = conn.HandshakeContext(t.Context()); err == nil {
			_, err = conn.Write([]byte("x"))
		}
		done <- err
	}()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	conn := tls.Client(near, client)
	clientErr = conn.HandshakeContext(t.Context())
	if clientErr == nil {
		_, _ = conn.Read(make([]byte, 1)) // in TLS 1.3 the server looks at the client's certificate later
	}
	near.Close()
	return clientErr, <-done
}

func TestTheBrokersCertificateNameAndAuthorityAreChecked(t *testing.T) {
	t.Parallel()
	rabbit, other := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		keys           map[string]string
		client, server string // a part of the error; "" means none
	}{
		"all as it should be":      {map[string]string{"ca": rabbit.cert, "cert": rabbit.cert, "key": rabbit.key, "server_name": "rabbit.example"}, "", ""},
		"another authority":        {map[string]string{"ca": other.cert, "cert": rabbit.cert, "key": rabbit.key, "server_name": "rabbit.example"}, "unknown authority", "bad certificate"},
		"the system's authorities": {map[string]string{"cert": rabbit.cert, "key": rabbit.key, "server_name": "rabbit.example"}, "unknown authority", "bad certificate"},
		"another name":             {map[string]string{"ca": rabbit.cert, "cert": rabbit.cert, "key": rabbit.key, "server_name": "other.example"}, "not other.example", "bad certificate"},
		"without a certificate":    {map[string]string{"ca": rabbit.cert, "server_name": "rabbit.example"}, "", "didn't provide a certificate"},
		"another's certificate":    {map[string]string{"ca": rabbit.cert, "cert": other.cert, "key": other.key, "server_name": "rabbit.example"}, "", "certificate"},
	} {
		cfg, err := broker(t, c.keys)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if cfg.Broker.TLS == nil || cfg.Broker.TLS.InsecureSkipVerify || cfg.Broker.TLS.MinVersion < tls.VersionTLS12 {
			t.Fatalf("%s: %+v", name, cfg.Broker.TLS)
		}
		client, server := handshake(t, rabbit, cfg.Broker.TLS)
		for side, got := range map[string]error{"client": client, "server": server} {
			want := map[string]string{"client": c.client, "server": c.server}[side]
			if (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
				t.Errorf("%s: the %s says %v, not %q", name, side, got, want)
			}
		}
	}
}

func TestBrokenKeysOfTheBrokersTLSAreNamedAndNotQuoted(t *testing.T) {
	t.Parallel()
	rabbit, other := newAuthority(t), newAuthority(t)
	for name, keys := range map[string]map[string]string{
		"no PEM":                {"ca": "hunter2"},
		"a key as an authority": {"ca": rabbit.key},
		"no certificate":        {"key": rabbit.key},
		"no key":                {"cert": rabbit.cert},
		"another key":           {"cert": rabbit.cert, "key": other.key},
		"a broken key":          {"cert": rabbit.cert, "key": "hunter2"},
	} {
		_, err := broker(t, keys)
		if err == nil || !strings.Contains(err.Error(), "broker") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), strings.Split(rabbit.key, "\n")[1]) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
	if cfg, err := broker(t, map[string]string{}); err != nil || cfg.Broker.TLS != nil {
		t.Errorf("without keys: %v, %v", fmt.Sprint(cfg), err)
	}
}

func TestTheCertificateIsShownByItsNamesAndItsEnd(t *testing.T) {
	t.Parallel()
	own, err := json.Marshal(map[string]string{"cert": newAuthority(t).cert, "key": "none"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, "tls: "+string(own)+"\n"+small); err == nil || !strings.Contains(err.Error(), "tls: cert and key: ") {
		t.Errorf("a key that does not belong to it: %v", err)
	}
	pair := newAuthority(t)
	if own, err = json.Marshal(map[string]string{"cert": pair.cert, "key": pair.key}); err != nil {
		t.Fatal(err)
	}
	c, err := parse(t, "tls: "+string(own)+"\n"+small)
	if err != nil || c.TLS.IsZero() {
		t.Fatal(err)
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	want := "rabbit.example until " + c.TLS.Certificate.Leaf.NotAfter.Format(time.RFC3339)
	if shown["tls"] != want {
		t.Errorf("shown as %v, want %s", shown["tls"], want)
	}
	if plain, err := parse(t, small); err != nil || !plain.TLS.IsZero() {
		t.Errorf("without a certificate: %v", err)
	}
}

func TestURLsOfABrokerAreShownWithoutPasswords(t *testing.T) {
	t.Parallel()
	b := config.Broker{URL: []string{"amqp://user:hunter2@one/", "amqps://two/", "amqp://user:hunter2@ho st/"}}
	if got := b.String(); got != "[amqp://user:xxxxx@one/ amqps://two/ amqp:(unreadable)]" {
		t.Error(got)
	}
}

func TestOnlyWorkersConsumeRoutes(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "broker: { url: 'amqp://host/' }\n"+small+"  theirs: { match: 'alma.#', external: true }\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]int{"worker": len(c.Routes.Worker()), "broker": len(c.Routes.Broker())} {
		if want := map[string]int{"worker": 1, "broker": 2}[name]; got != want {
			t.Errorf("%s: %d routes, want %d", name, got, want)
		}
	}
}
