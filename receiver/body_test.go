package receiver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/receiver"
)

// dial opens a connection and writes text to it.
func (s *server) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

func answerOn(t *testing.T, conn net.Conn) reply {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return readReply(t, res)
}

// head returns a signed request up to its body, with length as the value of Content-Length.
func head(t *testing.T, body string, length int) string {
	t.Helper()
	header := http.Header{}
	sign(t, "alma", "", header, body)
	return fmt.Sprintf("POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nX-Exl-Signature: %s\r\nContent-Length: %d\r\n\r\n", header.Get("X-Exl-Signature"), length)
}

func TestABodyThatIsTooLargeIs413(t *testing.T) {
	t.Parallel()
	cfg := only(t, func(s *receiver.Source) { s.MaxBody = 100_000 })
	t.Run("announced, and answered before it comes", func(t *testing.T) {
		t.Parallel()
		var b fakeBroker
		s := serve(t, cfg, &b)
		tooLarge(t, &b, answerOn(t, s.dial(t, head(t, "", 100_001))))
	})
	t.Run("the broker takes less than the source", func(t *testing.T) {
		t.Parallel()
		var b fakeBroker
		bounded := only(t, func(s *receiver.Source) { s.MaxBody = 200_000 })
		bounded.MaxBody = 100_000
		s := serve(t, bounded, &b)
		tooLarge(t, &b, answerOn(t, s.dial(t, head(t, "", 100_001))))
	})
	t.Run("chunked", func(t *testing.T) {
		t.Parallel()
		var b fakeBroker
		s := serve(t, cfg, &b)
		body := strings.Repeat("x", 100_001)
		header := http.Header{}
		sign(t, "alma", "", header, body)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url("/webhooks/alma"), io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		tooLarge(t, &b, s.do(t, r))
	})
	t.Run("exactly the limit", func(t *testing.T) {
		t.Parallel()
		for _, chunked := range []bool{false, true} {
			var b fakeBroker
			s := serve(t, cfg, &b)
			body := `{"id":"1","action":"BIB","x":"` + strings.Repeat("x", 100_000-32) + `"}`
			header := http.Header{}
			sign(t, "alma", "", header, body)
			var reader io.Reader = strings.NewReader(body)
			if chunked {
				reader = io.MultiReader(reader)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url("/webhooks/alma"), reader)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = header
			if got := s.do(t, r); got.code != http.StatusOK {
				t.Fatalf("chunked %v: answered %d %s", chunked, got.code, got.body)
			}
			if e := b.one(t); string(e.Data) != body || e.Action != "bib" {
				t.Errorf("chunked %v: stored %d bytes as %s", chunked, len(e.Data), e.Action)
			}
		}
	})
}

// tooLarge checks the refusal of a body above 100,000 bytes: it names the limit, the setting, and the largest value.
func tooLarge(t *testing.T, b *fakeBroker, got reply) {
	t.Helper()
	refused(t, b, got, http.StatusRequestEntityTooLarge)
	const want = `"the body is larger than 100000 bytes; raise the source's max_body in hookline.yml if it should be taken (RabbitMQ takes 16777216 at most, the embedded broker 67108864)"`
	if !strings.Contains(got.body, want) {
		t.Errorf("answered %s, want %s", got.body, want)
	}
}

func TestASlowBodyIs408(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, only(t, func(s *receiver.Source) { s.Deadline = 100 * time.Millisecond }), &b)
	refused(t, &b, answerOn(t, s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd[:10])), http.StatusRequestTimeout)
	if s.metric(t, "requests_total", "source", "alma", "code", "408") != 1 {
		t.Error("not counted")
	}
}

func TestAHalfSentBodyIs400AndNotStored(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"length":       head(t, jobEnd, len(jobEnd)+1) + jobEnd,
		"chunked":      "POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n" + jobEnd[:5],
		"broken chunk": "POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			s := serve(t, every(t), &b)
			conn := s.dial(t, text)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			refused(t, &b, answerOn(t, conn), http.StatusBadRequest)
		})
	}
}

func TestASenderThatClosesItsSideAfterTheRequestIsAnswered(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	conn := s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := answerOn(t, conn); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	b.one(t)
}

func TestACompressedBodyIsStoredAsItWasSigned(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	bomb := "\x1f\x8b\x08\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 1000)
	if got := s.send(t, "alma", http.Header{"Content-Encoding": {"gzip"}}, bomb); got.code != http.StatusOK {
		t.Fatal(got)
	}
	if e := b.one(t); string(e.Data) != bomb || e.Header["Content-Encoding"] != "gzip" {
		t.Errorf("stored %d bytes, %q", len(e.Data), e.Header)
	}
}

func TestHugeHeadersAre431(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	conn := s.dial(t, "POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nX-Large: "+strings.Repeat("x", 40_000))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // the connection ends with a reset, because the header was not read to its end
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d", res.StatusCode)
	}
}

// While the first large body uses MaxMemory, a second one is answered 503, and a small one is accepted.
func TestLargeBodiesShareMemory(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}, 3), make(chan struct{})
	b := fakeBroker{publish: hold(running, release)}
	cfg := only(t, func(s *receiver.Source) { s.MaxBody = 200_000 })
	cfg.MaxMemory = 200_000
	s := serve(t, cfg, &b)
	body := strings.Repeat("x", 150_000)
	first := s.dial(t, head(t, body, len(body))+body)
	<-running
	second := answerOn(t, s.dial(t, head(t, body, len(body))+body))
	refused(t, &b, second, http.StatusServiceUnavailable)
	small := s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd) // uses no MaxMemory
	<-running
	close(release)
	for _, conn := range []net.Conn{first, small} {
		if got := answerOn(t, conn); got.code != http.StatusOK {
			t.Errorf("answered %d %s", got.code, got.body)
		}
	}
	third := s.dial(t, head(t, body, len(body))+body)
	if got := answerOn(t, third); got.code != http.StatusOK {
		t.Errorf("the memory was not given back: %d %s", got.code, got.body)
	}
}
