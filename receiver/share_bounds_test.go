package receiver

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

func TestSharesEndAtTheirBounds(t *testing.T) {
	t.Parallel()
	one, two, three := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	type step struct {
		n     int64
		by    holder
		least int64
		want  bound
	}
	for name, steps := range map[string][]step{
		"a client has half":                    {{4, holder{one, "a"}, 0, noBound}, {1, holder{one, "b"}, 0, ofClient}, {4, holder{two, "b"}, 0, noBound}},
		"a source has three quarters":          {{3, holder{one, "a"}, 0, noBound}, {3, holder{two, "a"}, 0, noBound}, {1, holder{three, "a"}, 0, ofSource}, {2, holder{three, "b"}, 0, noBound}},
		"all have the whole":                   {{4, holder{one, "a"}, 0, noBound}, {4, holder{two, "b"}, 0, noBound}, {1, holder{three, "c"}, 0, ofAll}},
		"a client is unknown":                  {{6, holder{netip.Addr{}, "a"}, 0, noBound}, {2, holder{netip.Addr{}, "b"}, 0, noBound}},
		"a source is the only one":             {{4, holder{one, ""}, 0, noBound}, {4, holder{two, ""}, 0, noBound}, {1, holder{three, ""}, 0, ofAll}},
		"a share is never under least":         {{7, holder{one, "a"}, 7, noBound}, {1, holder{one, "a"}, 7, ofClient}},
		"a refused part is not taken":          {{5, holder{one, "a"}, 0, ofClient}, {7, holder{netip.Addr{}, "a"}, 0, ofSource}, {9, holder{}, 0, ofAll}, {8, holder{}, 0, noBound}},
		"the client's bound is the first said": {{9, holder{one, "a"}, 0, ofClient}},
	} {
		s := newShares(8)
		for i, st := range steps {
			if got := s.take(st.n, st.by, st.least); got != st.want {
				t.Errorf("%s: step %d is refused by %q, want %q", name, i+1, got, st.want)
			}
		}
	}
	if clientShare(7) != 4 || sourceShare(7) != 6 || clientShare(1) != 1 || sourceShare(1) != 1 {
		t.Error("a share is rounded down, and a limit of one serves nobody")
	}
}

// TestSharesAreGivenBack takes and gives back from several goroutines; it needs -race to see a missing lock.
func TestSharesAreGivenBack(t *testing.T) {
	t.Parallel()
	s := newShares(1000)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			by := holder{netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), "a"}
			for range 500 {
				if got := s.take(100, by, 0); got != noBound {
					t.Errorf("refused by %s", got)
				}
				s.release(100, by)
			}
		})
	}
	group.Wait()
	s.release(0, holder{netip.MustParseAddr("192.0.2.9"), "strange"})
	if s.used != 0 || len(s.clients) != 0 || len(s.sources) != 0 {
		t.Errorf("%d are used; clients %v, sources %v", s.used, s.clients, s.sources)
	}
}

func TestTheLogSaysWhichBoundIsUsedUp(t *testing.T) {
	t.Parallel()
	by := holder{netip.MustParseAddr("192.0.2.1"), "a"}
	for b, want := range map[bound]string{
		ofClient: "the client 192.0.2.1 uses its half of limits.x: if it is your proxy, list it in trusted_proxies",
		ofSource: "this source uses its three quarters of limits.x: raise the limit",
		ofAll:    "limits.x is used up: raise it, or add receivers",
	} {
		if got := b.usedUp("limits.x", by).Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", b, got)
		}
	}
	if got := strings.Join(bounds(), " "); got != "client source all" {
		t.Errorf("metrics are prepared for %s", got)
	}
}

func TestTheHolderOfAShare(t *testing.T) {
	t.Parallel()
	proxies := trustedProxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct{ peer, forwarded, want string }{
		"IPv4":                            {"192.0.2.1:1", "", "192.0.2.1"},
		"IPv4 in IPv6":                    {"[::ffff:192.0.2.1]:1", "", "192.0.2.1"},
		"IPv6 is its network":             {"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::"},
		"IPv6 of a neighbour":             {"[2001:db8:1:3::1]:1", "", "2001:db8:1:3::"},
		"with a zone":                     {"[fe80::1%eth0]:1", "", "fe80::"},
		"named by a proxy":                {"10.0.0.1:1", "2001:db8:1:2::9", "2001:db8:1:2::"},
		"mapped by a proxy, with a zone":  {"10.0.0.1:1", "[::ffff:192.0.2.1%eth0]:443", "192.0.2.1"},
		"a proxy that names no client":    {"10.0.0.1:1", "", "invalid IP"},
		"a proxy that names another one":  {"10.0.0.1:1", "fd00::1", "invalid IP"},
		"without an address":              {"", "", "invalid IP"},
		"a function platform's own words": {"pipe", "192.0.2.1", "invalid IP"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := proxies.holder(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	r.RemoteAddr = strings.Repeat("x", 100)
	if got := proxies.client(r); !strings.HasPrefix(got, strings.Repeat("x", 60)) || len(got) > 70 {
		t.Errorf("the log shows the client %q", got)
	}
}
