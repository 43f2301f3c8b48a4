package receiver_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/receiver"
)

// TestAFloodIsShedInsideTheMemoryBound fills every limit of a receiver at once, with large bodies, slow bodies and the most
// costly headers. It does not run in parallel, because it measures the heap.
func TestAFloodIsShedInsideTheMemoryBound(t *testing.T) { //nolint:paralleltest // see above
	const accepted, slow, connections = 8, 192, 300
	cfg := only(t, func(s *receiver.Source) { s.Deadline = time.Minute }) // the test times out before a request that waits does
	// The test is one client, which has half of each.
	cfg.MaxMemory, cfg.MaxRequests, cfg.MaxConnections, cfg.MaxHeaderBytes = 2*accepted<<20, 2*(accepted+slow), 2*connections, 16<<10
	cfg.MinBodyRate = 1
	bound := int64(accepted<<20 + (accepted+slow)*64<<10 + connections*16*(16+4)<<10)
	running, release := make(chan struct{}), make(chan struct{})
	b := fakeBroker{publish: hold(running, release)}
	s := serve(t, cfg, &b)
	before := heap()

	large := `{"id":"1","action":"BIB","x":"` + strings.Repeat("x", 1<<20-32) + `"}`
	var taken []net.Conn
	for range accepted {
		taken = append(taken, s.dial(t, head(t, large, len(large))+large))
		<-running
	}
	shed := func(text string) {
		t.Helper()
		conn := s.dial(t, text)
		if got := answerOn(t, conn); got.code != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Fatalf("answered %d %s", got.code, got.body)
		}
		_ = conn.Close()
	}
	for range 50 {
		shed(head(t, large, len(large)) + large[:100<<10])
	}
	costly := costlyHeaders(16 << 10)
	for range slow {
		s.slow(t, costly)
	}
	for range 200 {
		shed(head(t, jobEnd, len(jobEnd)) + jobEnd)
	}
	if got := s.get(t, "/webhooks/alma?challenge=x"); got.code != http.StatusOK {
		t.Errorf("the handshake was answered %d", got.code)
	}
	for range connections - accepted - slow - 1 { // one connection is that of the handshake's client
		s.dial(t, "POST /webhooks/alma HTTP/1.1\r\n"+costly)
	}
	if held := heap() - before; held > bound+bound/4 { // the race detector uses memory, too
		t.Errorf("%d MiB are held; the bound is %d", held>>20, bound>>20)
	} else {
		t.Logf("%d MiB are held; the bound is %d", held>>20, bound>>20)
	}

	close(release)
	for _, conn := range taken {
		if got := answerOn(t, conn); got.code != http.StatusOK {
			t.Errorf("an event from before the flood was answered %d %s", got.code, got.body)
		}
	}
	if n := len(b.stored()); n != accepted {
		t.Errorf("%d events were stored, not %d", n, accepted)
	}
}

// slow begins a request with an endless body. It returns when the receiver has begun to read the body.
func (s *server) slow(t *testing.T, headers string) {
	t.Helper()
	conn := s.dial(t, "POST /webhooks/alma HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 65536\r\n"+headers+"\r\n")
	if status, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil || !strings.Contains(status, "100 Continue") {
		t.Fatalf("answered %q, %v", status, err)
	}
	if _, err := io.WriteString(conn, strings.Repeat("x", 60_000)); err != nil {
		t.Fatal(err)
	}
}

// costlyHeaders returns as many empty headers as fit into size bytes: each uses many times its own size.
func costlyHeaders(size int) string {
	var b strings.Builder
	for i := 0x100; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%x:\r\n", i)
	}
	return b.String()
}

// heap returns the number of bytes in use after a garbage collection.
func heap() int64 {
	for range 3 { // the second frees the contents of a sync.Pool
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) + int64(m.StackInuse)
}
