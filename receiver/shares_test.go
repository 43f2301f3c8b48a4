package receiver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

// flood opens connections from another address of this machine, 127.0.0.from.
func flood(t *testing.T, s *server, from byte, count int, text string) (conns []net.Conn) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, from)}}
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

// holding reads the answer on each connection of a flood, and returns the number of bodies that the receiver began to read.
func holding(t *testing.T, conns []net.Conn) (count int) {
	t.Helper()
	for _, conn := range conns {
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		switch status, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); {
		case strings.Contains(status, "100 Continue"):
			count++
		case err == nil && !strings.Contains(status, "503"):
			t.Fatalf("answered %q", status)
		}
	}
	return count
}

// slowBody begins a request whose body comes to no end. Its sender is asked for the body when the receiver holds a slot for it.
func slowBody(source, client string) string {
	return "POST /webhooks/" + source + " HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + client +
		"\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 900)
}

// small returns limits that a test can fill, and time for slow bodies: the receiver reads them for minutes.
func small(cfg receiver.Config) receiver.Config {
	cfg.MaxConnections, cfg.MaxRequests, cfg.MaxMemory, cfg.MinBodyRate = 128, 64, 64<<20, 1
	return cfg
}

// patient gives the senders of each source the longest deadline.
func patient(t testing.TB) receiver.Config {
	t.Helper()
	all := map[string]receiver.Source{}
	for _, name := range signature.Presets() {
		s := preset(t, name)
		s.Deadline = receiver.MaxDeadline
		all[name] = s
	}
	return receiver.Config{Sources: checked(t, all)}
}

// TestOneAddressLeavesRoomForOthers has floods without a secret, at and above each limit.
func TestOneAddressLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		connections int
		text        string
		held        int // slow bodies
	}{
		"slow bodies":         {64, slowBody("github", ""), 32},
		"more slow bodies":    {300, slowBody("github", ""), 32},
		"idle connections":    {128, "", 0},
		"more idle":           {300, "", 0},
		"idle after a GET":    {128, "GET /webhooks/alma?challenge=x HTTP/1.1\r\nHost: h\r\n\r\n", 0},
		"slow headers":        {300, "POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nX-Slow: and", 0},
		"large bodies of one": {300, "POST /webhooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 70_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			cfg := patient(t)
			s := serve(t, small(cfg), &b)
			conns := flood(t, s, 2, c.connections, c.text)
			if c.held > 0 {
				// A connection that gives way in the moment of its request frees a slot for another one.
				if got := holding(t, conns); got < c.held || c.connections <= 64 && got > c.held {
					t.Errorf("the receiver holds %d slow bodies of one address, not %d", got, c.held)
				}
				if s.metric(t, "no_room_total", "source", "github", "bound", "client") == 0 {
					t.Error("refusals by the client's share are not counted")
				}
				if s.logs.FilterMessage("request not served").Len() == 0 || !strings.Contains(fmt.Sprint(s.logs.All()), "the client 127.0.0.2 uses its half of limits.max_requests: if it is your proxy") {
					t.Error("the log does not name the client")
				}
			}
			for range 5 {
				if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
					t.Fatalf("a signed event was answered %d %s", got.code, got.body)
				}
			}
		})
	}
}

func TestConnectionsBeyondAShareAreCountedAndLogged(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"idle ones give way": "",
		"new ones end":       slowBody("github", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			cfg := small(patient(t))
			cfg.MaxRequests = 1000
			s := serve(t, cfg, &b)
			conns := flood(t, s, 2, 64, text)
			if text != "" {
				holding(t, conns)
			}
			for _, conn := range flood(t, s, 2, 1, "") { // ends with the first, or lets another one end
				if text == "" {
					conn = conns[0]
				}
				if _, err := conn.Read(make([]byte, 1)); err == nil {
					t.Error("the connection has an answer")
				}
			}
			if got := s.metric(t, "connections_ended_total", "reason", "client_share"); got != 1 {
				t.Errorf("%v connections are counted", got)
			}
			if s.logs.FilterMessage("a client uses its half of limits.max_connections: if it is your proxy, list it in trusted_proxies; otherwise it floods this receiver").Len() != 1 {
				t.Error("the log does not tell")
			}
		})
	}
}

func TestTheLongestIdleConnectionGivesWayToAnotherAddress(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, small(patient(t)), &b)
	first := flood(t, s, 2, 64, "")[0]
	flood(t, s, 3, 64, "")
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the connection has an answer")
	}
	if got := s.metric(t, "connections_ended_total", "reason", "gave_way"); got != 1 {
		t.Errorf("%v connections are counted", got)
	}
}

// TestManyAddressesAtOneSourceLeaveRoomForOthers has as many clients as requests, as a trusted proxy names them.
func TestManyAddressesAtOneSourceLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, behindProxy(patient(t)), &b)
	if got := holding(t, manyClients(t, s, "github", 64)); got != 48 {
		t.Errorf("the receiver holds %d slow bodies of one source, not 48", got)
	}
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
		t.Errorf("an event of another source was answered %d %s", got.code, got.body)
	}
	if got := s.metric(t, "no_room_total", "source", "github", "bound", "source"); got != 16 {
		t.Errorf("%v refusals by the source's share are counted", got)
	}
}

// The only source of an installation needs to leave no room.
func TestTheOnlySourceUsesTheWholeLimit(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, behindProxy(only(t, func(s *receiver.Source) { s.Deadline = receiver.MaxDeadline })), &b)
	if got := holding(t, manyClients(t, s, "alma", 64)); got != 64 {
		t.Errorf("the receiver takes %d requests at once, not 64", got)
	}
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusServiceUnavailable {
		t.Errorf("one more was answered %d %s", got.code, got.body)
	}
	if got := s.metric(t, "no_room_total", "source", "alma", "bound", "all"); got != 1 {
		t.Errorf("%v refusals by the limit are counted", got)
	}
}

// behindProxy trusts this machine to name clients.
func behindProxy(cfg receiver.Config) receiver.Config {
	cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return small(cfg)
}

// manyClients begins slow bodies, each of a client of its own.
func manyClients(t *testing.T, s *server, source string, count int) (conns []net.Conn) {
	t.Helper()
	for n := range count {
		conns = append(conns, s.dial(t, slowBody(source, fmt.Sprintf("192.0.2.%d", n))))
	}
	return conns
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
