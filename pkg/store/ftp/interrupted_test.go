package ftp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/store/ftp"
)

// half is a server that sends the first half of each file, closes that connection as at a file's end, and then says how it went.
func half(t *testing.T, said string) string {
	t.Helper()
	listen := func() net.Listener {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	control, data := listen(), listen()
	_, port, _ := net.SplitHostPort(data.Addr().String())
	answers := map[string]string{"USER": "331 and the password?", "PASS": "230 welcome", "FEAT": "500 no", "TYPE": "200 so be it", "EPSV": "229 here (|||" + port + "|)", "QUIT": "221 bye"}
	go func() {
		for {
			client, err := control.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(client, "220 half\r\n")
			for in := bufio.NewScanner(client); in.Scan(); {
				command, _, _ := strings.Cut(in.Text(), " ")
				if command != "RETR" {
					fmt.Fprint(client, answers[command], "\r\n")
					continue
				}
				if wire, err := data.Accept(); err == nil {
					fmt.Fprint(client, "150 coming\r\n")
					_, _ = io.WriteString(wire, "the first half")
					_ = wire.Close()
				}
				fmt.Fprint(client, said)
				if said == "" {
					break
				}
			}
			_ = client.Close()
		}
	}()
	return control.Addr().String()
}

func TestAFileThatIsCutHasNoEnd(t *testing.T) {
	t.Parallel()
	for said, whole := range map[string]bool{"226 done\r\n": true, "426 aborted\r\n": false, "": false} {
		conn, err := newLocation(t, ftp.Config{Address: half(t, said), TLS: "none"}).Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in, err := conn.Open(t.Context(), "x.xml")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if string(text) != "the first half" || (err == nil) != whole || errors.Is(err, io.EOF) || !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %q, %v", said, text, err)
		}
		if _, again := in.Read(make([]byte, 1)); again == nil || whole != (again == io.EOF) { //nolint:errorlint // a wrapped one is not the end
			t.Errorf("%q: read again: %v", said, again)
		}
		if err := in.Close(); whole && err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
}
