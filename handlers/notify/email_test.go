package notify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

// trusted makes a certificate for localhost that this process trusts, as a machine trusts those of its system.
func trusted() (tls.Certificate, func(), error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	dir, err := os.MkdirTemp("", "notify-")
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, func() { _ = os.RemoveAll(dir) }, os.Setenv("SSL_CERT_FILE", file)
}

// letter is what an SMTP server took in.
type letter struct {
	login, from, to string
	mail            *mail.Message
	text            string
}

// post is the back end of a real SMTP server: it asks for a login, and does as refuse says.
type post struct {
	letters chan letter
	refuse  func(command, to string, c *smtp.Conn) error
}

type session struct {
	post
	conn   *smtp.Conn
	letter letter
}

func (p post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{post: p, conn: c}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "library" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.letter.login = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.letter.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = to
	return s.refuse("RCPT", to, s.conn)
}

func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	if err := s.refuse("DATA", s.letter.to, s.conn); err != nil {
		return err
	}
	s.letter.mail, s.letter.text = m, string(body)
	s.letters <- s.letter
	return nil
}

func (s *session) Reset()        { s.letter = letter{login: s.letter.login} }
func (s *session) Logout() error { return nil }

// mailServer starts an SMTP server with STARTTLS, or with TLS from the start.
func mailServer(t *testing.T, implicit bool, refuse func(command, to string, c *smtp.Conn) error) (notify.Email, <-chan letter) {
	t.Helper()
	if refuse == nil {
		refuse = func(string, string, *smtp.Conn) error { return nil }
	}
	p := post{make(chan letter, 10), refuse}
	server := smtp.NewServer(p)
	server.Domain, server.TLSConfig, server.ErrorLog = "localhost", &tls.Config{Certificates: []tls.Certificate{certificate}}, quiet{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	cfg := notify.Email{Host: "localhost", User: "library", Password: "secret", From: "Bücherei <library@example.org>"}
	cfg.Port, _ = strconv.Atoi(port)
	if implicit {
		ln, cfg.TLS = tls.NewListener(ln, server.TLSConfig), "implicit"
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	return cfg, p.letters
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func TestEmail(t *testing.T) {
	t.Parallel()
	for _, implicit := range []bool{false, true} {
		cfg, letters := mailServer(t, implicit, nil)
		h := newHandler(t, notify.Config{Email: cfg, Text: "Größe: {{.data.job_instance.name}}\n.\nEnde"})
		for range 2 {
			if err := h.Handle(t.Context(), ended("mail")); err != nil {
				t.Fatal(err)
			}
		}
		got, again := <-letters, <-letters
		subject, err := new(mime.WordDecoder).DecodeHeader(got.mail.Header.Get("Subject"))
		if got.login != "library" || got.from != "library@example.org" || got.to != "both@example.org" || err != nil || subject != said {
			t.Errorf("%+v, subject %q, %v", got, subject, err)
		}
		if from, err := got.mail.Header.AddressList("From"); err != nil || from[0].Name != "Bücherei" {
			t.Errorf("from %v, %v", from, err)
		}
		for _, line := range []string{"Gr=C3=B6=C3=9Fe: Export \"all\" & more", "\r\n.\r\n", "Ende"} {
			if !strings.Contains(got.text, line) {
				t.Errorf("no %q in %q", line, got.text)
			}
		}
		if id := got.mail.Header.Get("Message-ID"); id == "" || id != again.mail.Header.Get("Message-ID") || strings.Contains(id, "42") {
			t.Errorf("Message-ID %s, then %s", id, again.mail.Header.Get("Message-ID"))
		}
		if got.mail.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Error("may be answered by a program")
		}
	}
}

func TestAFixedAddressNeedsNoPerson(t *testing.T) {
	t.Parallel()
	cfg, letters := mailServer(t, false, nil)
	cfg.To, cfg.Subject = "Operators <operators@example.org>", "Failed: {{.data.job_instance.name}}"
	c := notify.Config{Email: cfg, Text: "ended"}
	if c.NeedsPeople() {
		t.Error("needs people")
	}
	h, err := notify.New(c, nil, notify.NewMetrics(prometheus.NewRegistry()), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("neither")); err != nil {
		t.Fatal(err)
	}
	got := <-letters
	if subject := got.mail.Header.Get("Subject"); got.to != "operators@example.org" || subject != `Failed: Export "all" & more` {
		t.Errorf("to %s, subject %q", got.to, subject)
	}
	c.Email.To = "operators"
	if _, err := notify.New(c, nil, notify.NewMetrics(prometheus.NewRegistry()), zap.NewNop()); err == nil || !strings.Contains(err.Error(), "email.to") {
		t.Errorf("a wrong address: %v", err)
	}
}

// With an smtp URL the subject was empty.
func TestAnEmailByURLHasASubject(t *testing.T) {
	t.Parallel()
	cfg, letters := mailServer(t, false, nil)
	address := fmt.Sprintf("smtp://library:secret@localhost:%d/?fromAddress=library@example.org&toAddresses=operators@example.org&auth=plain", cfg.Port)
	h := newHandler(t, notify.Config{URL: address, Text: "ended"})
	if err := h.Handle(t.Context(), ended("neither")); err != nil {
		t.Fatal(err)
	}
	got := <-letters
	subject, err := new(mime.WordDecoder).DecodeHeader(got.mail.Header.Get("Subject"))
	if err != nil || got.to != "operators@example.org" || subject != said {
		t.Errorf("to %s, subject %q: %v", got.to, subject, err)
	}
}

func TestNoFieldOfAnEventBecomesAHeader(t *testing.T) {
	t.Parallel()
	cfg, letters := mailServer(t, false, nil)
	d := ended("mail")
	d.Event.Data = []byte(`{"job_instance":{"name":"a\r\nBcc: b@example.org\r\n\r\nc\u0000\u2028d","submitted_by":{"value":"mail"},"status":null}}`)
	if err := newHandler(t, notify.Config{Email: cfg}).Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got := <-letters
	subject, err := new(mime.WordDecoder).DecodeHeader(got.mail.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "a Bcc: b@example.org c") || got.mail.Header.Get("Bcc") != "" || strings.Contains(got.text, "c\x00") || got.to != "both@example.org" {
		t.Errorf("%q, %v, %v, %q", subject, err, got.mail.Header, got.text)
	}
}

func TestMailServerErrors(t *testing.T) {
	t.Parallel()
	says := func(command string, err error) func(string, string, *smtp.Conn) error {
		return func(now, _ string, _ *smtp.Conn) error {
			if now == command {
				return err
			}
			return nil
		}
	}
	busy := &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "both@example.org is busy"}
	unknown := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "both@example.org is unknown"}
	cut := func(command, _ string, c *smtp.Conn) error {
		if command == "DATA" {
			return errors.Join(c.Conn().Close())
		}
		return nil
	}
	for name, c := range map[string]struct {
		refuse    func(string, string, *smtp.Conn) error
		permanent bool
		text      string
	}{
		"busy":                {says("RCPT", busy), false, "code 450 4.2.1"},
		"unknown":             {says("RCPT", unknown), true, "code 550 5.1.1"},
		"refused afterwards":  {says("DATA", unknown), true, "code 550 5.1.1"},
		"its answer was lost": {cut, true, "maybe sent"},
	} {
		cfg, _ := mailServer(t, false, c.refuse)
		err := newHandler(t, notify.Config{Email: cfg}).Handle(t.Context(), ended("mail"))
		if err == nil || handler.IsPermanent(err) != c.permanent || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "both@") {
			t.Errorf("%s: the error names a person: %v", name, err)
		}
	}
	cfg, _ := mailServer(t, false, nil)
	for name, change := range map[string]func(*notify.Email){
		"a wrong password":    func(e *notify.Email) { e.Password = "wrong" },
		"no such port":        func(e *notify.Email) { e.Port = 1 },
		"no TLS, but a login": func(e *notify.Email) { e.TLS = "none" },
	} {
		broken := cfg
		change(&broken)
		if err := newHandler(t, notify.Config{Email: broken}).Handle(t.Context(), ended("mail")); err == nil || handler.IsPermanent(err) || strings.Contains(err.Error(), "maybe") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
