package test

import (
	"io"
	"net"
	"testing"

	"github.com/emersion/go-smtp"
)

// mailbox is the back end of an SMTP server that takes every letter.
type mailbox chan string

func (m mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (m mailbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (m mailbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (m mailbox) Reset()                                      {}
func (m mailbox) Logout() error                               { return nil }

func (m mailbox) Data(r io.Reader) error {
	letter, err := io.ReadAll(r)
	m <- string(letter)
	return err
}

// smtpServer starts an SMTP server on this machine, and returns its port and the letters that it takes.
func smtpServer(t *testing.T) (port string, letters <-chan string) {
	t.Helper()
	box := make(mailbox, 10)
	server := smtp.NewServer(box)
	server.Domain = "localhost"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port, box
}
