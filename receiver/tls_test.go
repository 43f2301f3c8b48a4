package receiver_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTLSIsSpokenWhereItIsConfigured(t *testing.T) {
	t.Parallel()
	donor := httptest.NewTLSServer(nil) // has a certificate for example.com and 127.0.0.1
	defer donor.Close()
	roots := x509.NewCertPool()
	roots.AddCert(donor.Certificate())
	cfg := every(t)
	cfg.TLS = &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12}
	cfg.ReadHeaderTimeout = time.Second
	var b fakeBroker
	s := serve(t, cfg, &b)

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	header := http.Header{}
	sign(t, "alma", "", header, jobEnd)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+"/webhooks/alma", strings.NewReader(jobEnd))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 1 || res.TLS == nil {
		t.Errorf("answered %s %d", res.Proto, res.StatusCode)
	}
	b.one(t)

	old := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}})
	if conn, err := old.DialContext(t.Context(), "tcp", s.addr); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if got := answerOn(t, s.dial(t, "GET /webhooks/alma?challenge=x HTTP/1.1\r\nHost: h\r\n\r\n")); got.code != http.StatusBadRequest {
		t.Errorf("plain HTTP is answered %d", got.code)
	}
	if n := s.logs.FilterMessage("connection failed").Len(); n == 0 {
		t.Error("a failed handshake is not logged")
	}
	silent := s.dial(t, "") // sends no TLS hello
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a client without a TLS hello is answered")
	}
}
