package receiver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/receiver"
)

// flood opens connections from another address of this machine, and returns them when the receiver has had time for them.
func flood(t *testing.T, s *server, count int, text string) (conns []net.Conn) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range count {
		conn, err := dialer.DialContext(context.Background(), "tcp", s.addr)
		if err != nil {
			t.Skipf("this machine has no second loopback address: %v", err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	return conns
}

// TestOneAddressLeavesRoomForOthers has floods without a secret, at and above each limit.
func TestOneAddressLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	slow := "POST /webhooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{"
	for name, c := range map[string]struct {
		connections int
		text        string
	}{
		"slow bodies":         {64, slow},
		"more slow bodies":    {300, slow},
		"idle connections":    {128, ""},
		"more idle":           {300, ""},
		"idle after a GET":    {128, "GET /webhooks/alma?challenge=x HTTP/1.1\r\nHost: h\r\n\r\n"},
		"slow headers":        {300, "POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nX-Slow: and"},
		"large bodies of one": {300, "POST /webhooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 70_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			cfg := every(t)
			cfg.MaxConnections, cfg.MaxRequests, cfg.MaxMemory = 128, 64, 64<<20
			s := serve(t, cfg, &b)
			flood(t, s, c.connections, c.text)
			for range 5 {
				if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
					t.Fatalf("a signed event was answered %d %s", got.code, got.body)
				}
			}
		})
	}
}

func TestABodyUnderTheLeastRateIs408(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	cfg := only(t, func(s *receiver.Source) { s.Deadline = receiver.MaxDeadline })
	cfg.MinBodyRate = 1 << 20
	s := serve(t, cfg, &b)
	conn := s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd[:10])
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := answerOn(t, conn); got.code != http.StatusRequestTimeout {
		t.Errorf("answered %d %s", got.code, got.body)
	}
}
