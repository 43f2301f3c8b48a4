package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/receiver"
)

// clientSeen returns the client in the log line of a refused request from peer.
func clientSeen(t testing.TB, trusted []netip.Prefix, peer string, header http.Header) string {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	rc, err := receiver.New(receiver.Config{TrustedProxies: trusted}, &fakeBroker{}, prometheus.NewRegistry(), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/nobody", nil)
	r.RemoteAddr, r.Header = peer, header
	rc.Handler().ServeHTTP(httptest.NewRecorder(), r)
	client, _ := logs.All()[0].ContextMap()["client"].(string)
	return client
}

func TestTheClientIsTheAddressThatATrustedProxyNames(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	const key, peer = "X-Forwarded-For", "10.0.0.1:1000"
	for name, c := range map[string]struct {
		peer   string
		header http.Header
		want   string
	}{
		"no proxy":                 {"192.0.2.1:1", nil, "192.0.2.1"},
		"IPv6":                     {"[2001:db8::1]:1", nil, "2001:db8::1"},
		"IPv4 in IPv6":             {"[::ffff:192.0.2.1]:1", nil, "192.0.2.1"},
		"header of a stranger":     {"192.0.2.1:1", http.Header{key: {"198.51.100.1"}}, "192.0.2.1"},
		"one proxy":                {peer, http.Header{key: {"198.51.100.1"}}, "198.51.100.1"},
		"address from the client":  {peer, http.Header{key: {"127.0.0.1, 198.51.100.1"}}, "198.51.100.1"},
		"two proxies":              {peer, http.Header{key: {"203.0.113.9, 198.51.100.1, 10.2.3.4"}}, "198.51.100.1"},
		"two lines":                {peer, http.Header{key: {"203.0.113.9", "198.51.100.1,10.2.3.4"}}, "198.51.100.1"},
		"proxies only":             {peer, http.Header{key: {"10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
		"with a port":              {peer, http.Header{key: {"[2001:db8::1]:443"}}, "2001:db8::1"},
		"mapped proxy":             {"[::ffff:10.0.0.1]:1", http.Header{key: {"198.51.100.1"}}, "198.51.100.1"},
		"IPv6 proxy":               {"[fd00::1]:1", http.Header{key: {"2001:db8::1"}}, "2001:db8::1"},
		"garbage":                  {peer, http.Header{key: {"198.51.100.1, unknown"}}, "10.0.0.1"},
		"empty":                    {peer, http.Header{key: {""}}, "10.0.0.1"},
		"X-Real-IP":                {peer, http.Header{"X-Real-Ip": {"198.51.100.1"}}, "198.51.100.1"},
		"both":                     {peer, http.Header{key: {"198.51.100.1"}, "X-Real-Ip": {"203.0.113.9"}}, "198.51.100.1"},
		"X-Real-IP of a stranger":  {"192.0.2.1:1", http.Header{"X-Real-Ip": {"198.51.100.1"}}, "192.0.2.1"},
		"trusted, but no header":   {peer, nil, "10.0.0.1"},
		"trusted by its only host": {"127.0.0.1:1", http.Header{key: {"198.51.100.1"}}, "198.51.100.1"},
	} {
		if got := clientSeen(t, proxies, c.peer, c.header); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := clientSeen(t, nil, peer, http.Header{key: {"198.51.100.1"}}); got != "10.0.0.1" {
		t.Errorf("a proxy is trusted by default: %s", got)
	}
}

// FuzzClient checks that the client is an address for any headers, and that it is the peer if the peer is not trusted.
func FuzzClient(f *testing.F) {
	f.Add("198.51.100.1, 10.2.3.4", "203.0.113.9")
	f.Add(",,[::1]:x%eth0", "\x00")
	f.Add("fe80::1%"+"z\n", "::ffff:10.0.0.1")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, forwarded, realIP string) {
		header := http.Header{"X-Forwarded-For": {forwarded}, "X-Real-Ip": {realIP}}
		if addr, err := netip.ParseAddr(clientSeen(t, trusted, "10.0.0.1:1", header)); err != nil || addr.Zone() != "" {
			t.Errorf("%v, %v", addr, err)
		}
		if got := clientSeen(t, trusted, "192.0.2.1:1", header); got != "192.0.2.1" {
			t.Errorf("a stranger is trusted: %s", got)
		}
	})
}
