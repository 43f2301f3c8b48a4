package rabbitmq_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, pool := selfSigned(t)
	plain := rabbitnode.URL(t)
	u, err := url.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	at := terminateTLS(t, cert, u.Host)
	u.Scheme, u.Host = "amqps", at
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{u.String()}, TLS: &tls.Config{RootCAs: pool}, Routes: []broker.Route{r}}
	rabbit := open(t, cfg)
	for i := range 50 {
		publish(t, rabbit, anEvent(id(i)))
	}
	got := take(t, rabbit, r)
	for range 50 {
		next(t, got)
	}
	cfg.TLS = &tls.Config{}
	if _, err := rabbitmq.Plan(patient(t), cfg); err == nil {
		t.Error("a certificate of an unknown authority was accepted")
	}
}

// amqp091-go leaves the connection open when it cannot read the file.
func TestAMissingTLSFileOfTheURLLeavesNoConnectionOpen(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	open(t, rabbitmq.Config{URLs: []string{"amqps://guest:guest@" + ln.Addr().String() + "/?cacertfile=/not/there"}, Routes: []broker.Route{route("archive", "#")}})
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if sent, err := io.ReadAll(conn); err != nil {
		t.Errorf("it is open, after %d bytes: %v", len(sent), err)
	}
}

// terminateTLS terminates TLS in front of a broker, like a load balancer, and returns its address.
func terminateTLS(t *testing.T, cert tls.Certificate, broker string) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { ln.Close(); running.Wait() })
	running.Go(func() {
		for {
			front, err := ln.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("tcp", broker)
			if err != nil {
				front.Close()
				return
			}
			for _, way := range [][2]net.Conn{{front, back}, {back, front}} {
				running.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					front.Close()
					back.Close()
				})
			}
		}
	})
	return ln.Addr().String()
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rabbit"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
