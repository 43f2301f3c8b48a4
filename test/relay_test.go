package test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// relay is a second address of a RabbitMQ. It can be cut, as if RabbitMQ were down, while the RabbitMQ serves other tests.
type relay struct {
	url    string
	target string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

// newRelay relays to the RabbitMQ at an amqp URL.
func newRelay(t *testing.T, amqp string) *relay {
	t.Helper()
	u, err := url.Parse(amqp)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{target: u.Host, conns: map[net.Conn]bool{}}
	u.Host = listener.Addr().String()
	r.url = u.String()
	var relaying sync.WaitGroup
	relaying.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			relaying.Go(func() { r.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.set(true)
		relaying.Wait()
	})
	return r
}

// set cuts the relay, or lets connections through again.
func (r *relay) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
	for conn := range r.conns {
		_ = conn.Close()
	}
}

// add registers a connection. It returns false while the relay is cut.
func (r *relay) add(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.down {
		r.conns[conn] = true
	}
	return !r.down
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !r.add(client) || !r.add(server) {
		return
	}
	var copying sync.WaitGroup
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		copying.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
		})
	}
	copying.Wait()
}
