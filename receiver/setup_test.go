package receiver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBroker is a broker.Publisher that keeps events, unless publish returns an error.
type fakeBroker struct {
	publish func(ctx context.Context, e event.Event) error

	mu     sync.Mutex
	events []event.Event
}

func (b *fakeBroker) Publish(ctx context.Context, e event.Event) error {
	if b.publish != nil {
		if err := b.publish(ctx, e); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	return nil
}

func (b *fakeBroker) stored() []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

// one returns the only stored event.
func (b *fakeBroker) one(t *testing.T) event.Event {
	t.Helper()
	events := b.stored()
	if len(events) != 1 {
		t.Fatalf("%d events were stored, not 1", len(events))
	}
	return events[0]
}

// secretOf returns a secret that the preset's scheme accepts.
func secretOf(preset string) string {
	switch preset {
	case "standard-webhooks":
		return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	case "basic":
		return "user:open:sesame-for-basic"
	}
	return "open-sesame-for-" + preset
}

func preset(t testing.TB, name string) receiver.Source {
	t.Helper()
	s, ok := receiver.Preset(name)
	if !ok {
		t.Fatalf("no preset %s", name)
	}
	s.Secrets = []signature.Secret{{Value: setting.Secret(secretOf(name)), Label: "now"}}
	if s.Handshake.Kind == receiver.Hub {
		s.Handshake.VerifyToken = "open"
	}
	return s
}

// every returns a configuration with a source for each preset, under the same name.
func every(t testing.TB) receiver.Config {
	t.Helper()
	all := map[string]receiver.Source{}
	for _, name := range signature.Presets() {
		all[name] = preset(t, name)
	}
	return receiver.Config{Sources: checked(t, all)}
}

// checked makes the sources ready for a Receiver.
func checked(t testing.TB, sources map[string]receiver.Source) receiver.Sources {
	t.Helper()
	all := receiver.Sources{}
	for name, s := range sources {
		if err := all.Add(name, s); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// only returns a configuration with one changed source, alma.
func only(t testing.TB, change func(*receiver.Source)) receiver.Config {
	t.Helper()
	s := preset(t, "alma")
	change(&s)
	return receiver.Config{Sources: checked(t, map[string]receiver.Source{"alma": s})}
}

// sign signs as the real sender would.
func sign(t testing.TB, presetName, id string, header http.Header, body string) {
	t.Helper()
	scheme, _ := signature.Preset(presetName)
	v, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(secretOf(presetName))}})
	if err != nil {
		t.Fatal(err)
	}
	r := signature.Request{Method: http.MethodPost, Header: header, Query: url.Values{}, Body: []byte(body)}
	if err := v.Sign(&r, id, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// server is a receiver that serves on port 0.
type server struct {
	addr   string
	client *http.Client
	reg    *prometheus.Registry
	logs   *observer.ObservedLogs
	stop   context.CancelFunc
	ended  chan error // the result of Serve
}

func serve(t testing.TB, cfg receiver.Config, b *fakeBroker) *server {
	t.Helper()
	_, s := serveReceiver(t, cfg, b)
	return s
}

func serveReceiver(t testing.TB, cfg receiver.Config, b *fakeBroker) (*receiver.Receiver, *server) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	reg := prometheus.NewRegistry()
	rc, err := receiver.New(cfg, b, reg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	transport := &http.Transport{}
	s := &server{ln.Addr().String(), &http.Client{Transport: transport}, reg, logs, stop, make(chan error, 1)}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.ended <- rc.Serve(ctx, ln)
	}()
	t.Cleanup(func() {
		stop()
		transport.CloseIdleConnections()
		<-finished
	})
	return rc, s
}

// handlerFor returns the handler of a receiver that does not listen.
func handlerFor(t testing.TB, cfg receiver.Config, b *fakeBroker) http.Handler {
	t.Helper()
	rc, err := receiver.New(cfg, b, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return rc.Handler()
}

// request calls the handler without a network.
func request(t testing.TB, handler http.Handler, method, path string, header http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func (s *server) url(path string) string { return "http://" + s.addr + path }

// reply is an answer that was read to its end.
type reply struct {
	code   int
	header http.Header
	body   string
}

func (s *server) do(t testing.TB, r *http.Request) reply {
	t.Helper()
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return readReply(t, res)
}

func readReply(t testing.TB, res *http.Response) reply {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
}

func (s *server) get(t testing.TB, path string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.do(t, r)
}

func (s *server) post(t testing.TB, path string, header http.Header, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url(path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return s.do(t, r)
}

// send posts a body as the real sender of the preset would.
func (s *server) send(t testing.TB, presetName string, header http.Header, body string) reply {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	sign(t, presetName, "msg_1", header, body)
	return s.post(t, "/webhooks/"+presetName, header, body)
}

// metric returns the value of a series such as "hookline_receiver_accepted_total", with labels as name, value pairs.
func (s *server) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "hookline_receiver_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			have := map[string]string{}
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			if hasAll(have, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no series %s %q", name, labels)
	return 0
}

func hasAll(have map[string]string, pairs []string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if have[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}
