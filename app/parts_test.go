package app_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// newApp builds an app on the embedded broker: the source alma, and the route "all" whose handler puts
// each delivery into the returned channel.
func newApp(t *testing.T) (*app.App, <-chan event.Delivery) {
	t.Helper()
	a, handled, _ := newAppWith(t, "")
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, handled
}

// newAppWith is newApp with more configuration, and returns the data folder, too. The caller closes the app.
func newAppWith(t *testing.T, more string) (*app.App, <-chan event.Delivery, string) {
	t.Helper()
	dir, handled := t.TempDir(), make(chan event.Delivery, 1)
	file := filepath.Join(dir, "hookline.yml")
	text := fmt.Sprintf("data: %s\nsources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { all: { match: '#', handler: { kind: note } } }\n", dir) + more
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	note := handler.NewKind(struct{}{}, func(struct{}) (handler.Handler, error) {
		return handler.Func(func(_ context.Context, d event.Delivery) error {
			handled <- d
			return nil
		}), nil
	})
	noEnv := func(string) (string, bool) { return "", false }
	reg, log := prometheus.NewRegistry(), zap.NewNop()
	o := app.Options{Receive: true, Work: true, Metrics: reg, Log: log}
	o.File = config.NewFile(file, noEnv, app.Kinds(noEnv, reg, log, handler.Registry{"note": note}))
	var err error
	if o.Config, err = o.File.Read(); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a, handled, dir
}

// send posts an event of Alma to the receiver's handler, and returns the event's ID.
func send(t *testing.T, a *app.App) string {
	t.Helper()
	const body = `{"id":"561","action":"JOB_END"}`
	mac := hmac.New(sha256.New, []byte("first-test-secret"))
	mac.Write([]byte(body))
	r := httptest.NewRequest(http.MethodPost, "/webhooks/alma", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Exl-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	a.Receiver.Handler().ServeHTTP(w, r)
	var answer struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.ID
}

func TestTheReceiverStoresARequestWithoutAListener(t *testing.T) {
	t.Parallel()
	a, handled := newApp(t)
	id := send(t, a)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	select {
	case d := <-handled:
		if d.Event.ID != id || d.Route != "all" {
			t.Errorf("%+v, want event %s", d, id)
		}
	case err := <-ended:
		t.Fatalf("Run ended before the event was handled: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestTheWorkerHandlesOneDeliveryWithoutRun(t *testing.T) {
	t.Parallel()
	a, handled := newApp(t)
	d := event.Delivery{Event: event.Event{ID: "561", Source: "alma", Action: "job_end"}, Route: "all", Attempt: 1}
	outcome, err := a.Worker.Process(t.Context(), d)
	if err != nil || outcome.Verdict != broker.VerdictAck {
		t.Fatalf("%+v, %v", outcome, err)
	}
	if got := <-handled; got.Event.ID != "561" {
		t.Errorf("%+v", got)
	}
}

func TestThePrivateEndpointsAnswerWithoutAListener(t *testing.T) {
	t.Parallel()
	a, _ := newApp(t)
	send(t, a)
	for path, want := range map[string]string{"/healthz": "ok", app.ReadyPath: "ok", "/metrics": `hookline_receiver_accepted_total{source="alma"} 1`} {
		w := httptest.NewRecorder()
		a.Private.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d without %q:\n%s", path, w.Code, want, w.Body)
		}
	}
}
