package receiver

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// connections is a listener that bounds the open connections, as a whole and for each address. When there is no room for a
// new one, the longest idle one gives way, so that idle connections keep nobody out. Without an idle one, a new connection
// waits; beyond the share of its address it ends at once.
type connections struct {
	net.Listener
	max     int64
	proxies trustedProxies // have no share, because they bring many clients
	told    connectionEvents
	room    chan struct{} // a connection ended or became idle
	done    chan struct{}
	close   sync.Once

	mu      sync.Mutex
	total   int64
	clients map[netip.Addr]int64
	idle    *list.List // of *connection, the longest idle first
}

// connectionEvents is told about connections. Its functions return soon.
type connectionEvents struct {
	open             prometheus.Gauge
	gaveWay, ofShare prometheus.Counter
	shareUsed        func(client netip.Addr)
}

// connection is an open connection. The fields below owner belong to owner.mu.
type connection struct {
	net.Conn
	owner  *connections
	client netip.Addr    // zero: without a share
	idle   *list.Element // nil while a request is in progress
	ended  bool
}

func newConnections(ln net.Listener, limit int, proxies trustedProxies, told connectionEvents) *connections {
	return &connections{Listener: ln, max: int64(limit), proxies: proxies, told: told, room: make(chan struct{}, 1), done: make(chan struct{}),
		clients: map[netip.Addr]int64{}, idle: list.New()}
}

// Accept returns the next connection that has room.
func (l *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &connection{Conn: accepted, owner: l}
		if peer, err := netip.ParseAddrPort(accepted.RemoteAddr().String()); err == nil && !l.proxies.contain(peer.Addr().Unmap()) {
			c.client = network(peer.Addr().Unmap())
		}
		if l.admit(c) {
			return c, nil
		}
		_ = accepted.Close() // tells the client more than silence
	}
}

// Close ends a waiting Accept, too.
func (l *connections) Close() error {
	l.close.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// admit waits for room. It returns false when the client's share is used up, and at the end of the listener.
func (l *connections) admit(c *connection) bool {
	for {
		l.mu.Lock()
		var gives *connection
		full := c.client.IsValid() && l.clients[c.client] >= clientShare(l.max)
		switch {
		case full:
			gives = l.longestIdle(func(other *connection) bool { return other.client == c.client })
		case l.total >= l.max:
			gives = l.longestIdle(func(*connection) bool { return true })
		default:
			l.total++
			l.clients[c.client]++
			l.told.open.Inc()
			c.idle = l.idle.PushBack(c)
			l.mu.Unlock()
			return true
		}
		l.mu.Unlock()
		l.tell(c.client, full, gives != nil)
		if gives != nil {
			_ = gives.Close()
			continue
		}
		if full {
			return false
		}
		select {
		case <-l.room:
		case <-l.done:
			return false
		}
	}
}

// tell counts a connection that ends for a new one of a client, and says so if the client's share is full.
func (l *connections) tell(client netip.Addr, full, givesWay bool) {
	switch {
	case full:
		l.told.ofShare.Inc()
		l.told.shareUsed(client)
	case givesWay:
		l.told.gaveWay.Inc()
	}
}

func (l *connections) longestIdle(fits func(*connection) bool) *connection {
	for e := l.idle.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*connection); fits(c) {
			return c
		}
	}
	return nil
}

// state follows the states that net/http reports.
func (l *connections) state(conn net.Conn, state http.ConnState) {
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	c, ok := conn.(*connection)
	if !ok || state != http.StateActive && state != http.StateIdle {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.idle != nil {
		l.idle.Remove(c.idle)
		c.idle = nil
	}
	if state == http.StateIdle && !c.ended {
		c.idle = l.idle.PushBack(c)
		l.signal()
	}
}

// signal wakes a waiting Accept.
func (l *connections) signal() {
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// Close makes room for another connection.
func (c *connection) Close() error {
	c.owner.end(c)
	return c.Conn.Close()
}

func (l *connections) end(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	if c.idle != nil {
		l.idle.Remove(c.idle)
		c.idle = nil
	}
	l.total--
	l.told.open.Dec()
	subtract(l.clients, c.client, 1)
	l.signal()
}
