package rabbitmq

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate is a connection whose Write waits until the test opens the gate.
type gate struct {
	net.Conn
	open    chan struct{}
	writing chan struct{} // receives at the start of each Write

	mu     sync.Mutex
	writes [][]byte
	fail   error
	closed bool
}

func newGate() *gate { return &gate{open: make(chan struct{}), writing: make(chan struct{}, 100)} }

func (g *gate) Write(p []byte) (int, error) {
	g.writing <- struct{}{}
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail != nil {
		return 0, g.fail
	}
	g.writes = append(g.writes, bytes.Clone(p))
	return len(p), nil
}

func (g *gate) SetWriteDeadline(time.Time) error { return nil }

func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return nil
}

func TestBatchConnGathersFramesWhileItWrites(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := newBatchConn(g)
	write(t, c, "a")
	<-g.writing // the flusher is blocked, and Write is not
	write(t, c, "b")
	write(t, c, "c")
	write(t, c, "d")
	close(g.open)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if len(g.writes) != 2 || string(g.writes[0]) != "a" || string(g.writes[1]) != "bcd" {
		t.Errorf("writes %q, want a, bcd", g.writes)
	}
	if !g.closed {
		t.Error("the connection is still open")
	}
	if _, err := c.Write([]byte("e")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// A frame larger than a chunk comes after the empty chunk that is used again.
func TestBatchConnWritesLargeFramesInTheirOrder(t *testing.T) {
	t.Parallel()
	g := newGate()
	close(g.open)
	c := newBatchConn(g)
	large := strings.Repeat("l", 2*chunkSize)
	var want string
	for _, text := range []string{"a", large, "b", large, large, "c"} {
		write(t, c, text)
		<-g.writing
		want += text
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(g.writes, nil)); got != want {
		t.Errorf("%d bytes written, want %d in their order", len(got), len(want))
	}
}

func TestBatchConnClosesAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	g := newGate()
	g.fail = io.ErrUnexpectedEOF
	close(g.open)
	c := newBatchConn(g)
	write(t, c, "a")
	<-c.flushed
	if _, err := c.Write([]byte("b")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("next write: %v", err)
	}
	if !g.closed {
		t.Error("the connection is still open: its reader would wait for ever")
	}
	if err := c.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("close: %v", err)
	}
}

func TestBatchConnCloseDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	client, _ := tcp(t)
	c := newBatchConn(client)
	for range 64 {
		write(t, c, string(make([]byte, 1<<20))) // more than the sockets hold
	}
	began := time.Now()
	if err := c.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 10*flushTime {
		t.Errorf("Close took %v", took)
	}
}

func TestBatchConnHonoursADeadline(t *testing.T) {
	t.Parallel()
	client, _ := tcp(t)
	c := newBatchConn(client)
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
}

func write(t *testing.T, c *batchConn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

func tcp(t *testing.T) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}
