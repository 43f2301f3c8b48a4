package receiver

import (
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestAConnectionWaitsForRoom has a proxy, which has no share, and one connection with a request in progress.
func TestAConnectionWaitsForRoom(t *testing.T) {
	t.Parallel()
	for name, makeRoom := range map[string]func(*connections, net.Conn){
		"the first ends":       func(_ *connections, first net.Conn) { _ = first.Close() },
		"the first turns idle": func(l *connections, first net.Conn) { l.state(first, http.StateIdle) },
	} {
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		told := connectionEvents{
			open:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "open"}),
			gaveWay: prometheus.NewCounter(prometheus.CounterOpts{Name: "gave_way"}), ofShare: prometheus.NewCounter(prometheus.CounterOpts{Name: "of_share"}),
			shareUsed: func(netip.Addr) { t.Error("a proxy has a share") },
		}
		l := newConnections(ln, 1, trustedProxies{netip.MustParsePrefix("127.0.0.0/8")}, told)
		for range 2 {
			dialed, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer dialed.Close()
		}
		first, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		l.state(first, http.StateActive)
		second := make(chan net.Conn, 1)
		go func() {
			accepted, err := l.Accept()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			second <- accepted
		}()
		makeRoom(l, first)
		accepted := <-second
		if got := testutil.ToFloat64(told.open); got != 1 {
			t.Errorf("%s: %v open", name, got)
		}
		_ = accepted.Close()
		_ = first.Close() // again
		if got := testutil.ToFloat64(told.open); got != 0 || l.total != 0 || len(l.clients) != 0 || l.idle.Len() != 0 {
			t.Errorf("%s: %v open, %d counted, clients %v, %d idle", name, got, l.total, l.clients, l.idle.Len())
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := l.Accept(); err == nil {
			t.Errorf("%s: a closed listener accepts", name)
		}
	}
}

// TestAnEndedConnectionTellsAWaitingAccept has no Accept that waits, so the signal is kept for it.
func TestAnEndedConnectionTellsAWaitingAccept(t *testing.T) {
	t.Parallel()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	told := connectionEvents{open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "open"})}
	l := newConnections(ln, 1, trustedProxies{netip.MustParsePrefix("127.0.0.0/8")}, told)
	dialed, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := accepted.Close(); err != nil {
		t.Fatal(err)
	}
	if len(l.room) != 1 {
		t.Error("the end of the connection gave no signal")
	}
}
