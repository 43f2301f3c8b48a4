package cli

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/app"
)

// newTestServer returns a server of both roles, with the embedded broker.
func newTestServer(t *testing.T) *server {
	t.Helper()
	c := &command{file: configFile(t, testConfig), env: func(string) (string, bool) { return "", false }}
	o := app.Options{Receive: true, Work: true, Metrics: app.Registry("test"), Log: zap.NewNop()}
	o.File = c.open(o.Metrics, o.Log)
	var err error
	if o.Config, err = o.File.Read(); err != nil {
		t.Fatal(err)
	}
	s, err := newServer(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// When one listener fails, the whole process stops, so that a supervisor starts it again.
func TestALostListenerStopsTheProcess(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"private": "private listener: ", "public": "use of closed network connection"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t)
			ended := make(chan error, 1)
			go func() { ended <- s.run(t.Context()) }()
			lost := map[string]net.Listener{"private": s.private, "public": s.public}[name]
			if err := lost.Close(); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			case <-time.After(patience):
				t.Fatal("the process goes on")
			}
			for _, ln := range []net.Listener{s.private, s.public} {
				if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s is still open: %v", ln.Addr(), err)
				}
			}
		})
	}
}

func TestAPortInUseIsNamedOrLeftToItsProcess(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, err = open("listen", address)
	if err == nil || !strings.Contains(err.Error(), "listen: ") || !strings.Contains(err.Error(), "$HOOKLINE_LISTEN") {
		t.Errorf("the public listener: %v", err)
	}
	core, logs := observer.New(zap.WarnLevel)
	next, err := openPrivate(address, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if logs.Len() != 1 || logs.All()[0].ContextMap()["instead"] != next.Addr().String() {
		t.Errorf("at %s: %v", next.Addr(), logs.All())
	}
	if _, err := openPrivate("127.0.0.1:99999", zap.NewNop()); err == nil || !strings.Contains(err.Error(), "private_listen: ") {
		t.Errorf("a wrong port: %v", err)
	}
	free, err := openPrivate("127.0.0.1:0", zap.New(core))
	if err != nil || logs.Len() != 1 {
		t.Errorf("a free port: %v, %v", err, logs.All())
	}
	_ = free.Close()
}

func TestAWrongPrivateAddressFailsTheStart(t *testing.T) {
	t.Parallel()
	elsewhere := strings.Replace(testConfig, `private_listen: "127.0.0.1:0"`, `private_listen: "192.0.2.1:9090"`, 1) // of no machine
	if code, said := (commands{configFile(t, elsewhere)}).run(t, "run"); code != ExitFailed || !strings.Contains(said, "private_listen: ") || !strings.Contains(said, "$HOOKLINE_PRIVATE_LISTEN") {
		t.Errorf("exit code %d: %s", code, said)
	}
}
