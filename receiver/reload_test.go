package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

// rotated are the sources of cfg with another secret for alma.
func rotated(t *testing.T, secret string) receiver.Sources {
	t.Helper()
	return only(t, func(s *receiver.Source) { s.Secrets = []signature.Secret{{Value: setting.Secret(secret)}} }).Sources
}

func TestAReloadTakesTheNewSecretAndRefusesTheOld(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	rc, s := serveReceiver(t, every(t), &b)
	if err := rc.Reload(rotated(t, "another")); err != nil {
		t.Fatal(err)
	}
	refused(t, &b, s.send(t, "alma", nil, jobEnd), http.StatusUnauthorized)
	if err := rc.Reload(rotated(t, secretOf("alma"))); err != nil {
		t.Fatal(err)
	}
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	b.one(t)
	if got := s.send(t, "github", nil, "{}"); got.code != http.StatusNotFound {
		t.Errorf("a source that was taken away answers %d", got.code)
	}
}

func TestANewSourceHasItsSeriesAtZero(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	rc, s := serveReceiver(t, receiver.Config{}, &b)
	if err := rc.Reload(every(t).Sources); err != nil {
		t.Fatal(err)
	}
	if n := s.metric(t, "accepted_total", "source", "github"); n != 0 {
		t.Error(n)
	}
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
}

func TestARequestThatRunsAtAReloadKeepsItsSource(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	b := fakeBroker{publish: hold(running, release)}
	rc, s := serveReceiver(t, every(t), &b)
	conn := s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd)
	<-running
	if err := rc.Reload(nil); err != nil {
		t.Fatal(err)
	}
	close(release)
	if got := answerOn(t, conn); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	b.one(t)
}

func TestABadReloadChangesNothing(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	cfg := every(t)
	cfg.MaxMemory = 30 << 20
	rc, s := serveReceiver(t, cfg, &b)
	bad := rotated(t, "another")
	github := preset(t, "github")
	github.MaxBody = 31 << 20
	if err := bad.Add("github", github); err != nil {
		t.Fatal(err)
	}
	err := rc.Reload(bad)
	if err == nil || !strings.Contains(err.Error(), "sources.github.max_body: 32505856 is more than") {
		t.Errorf("%v", err)
	}
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
}

func TestReloadsWhileRequestsComeLoseNone(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	rc, err := receiver.New(every(t), &b, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	const requests = 200
	sources, handler, done := every(t).Sources, rc.Handler(), make(chan struct{})
	go func() {
		defer close(done)
		for range requests {
			if err := rc.Reload(sources); err != nil {
				t.Error(err)
			}
		}
	}()
	header := http.Header{}
	sign(t, "alma", "", header, jobEnd)
	for range requests {
		if w := request(t, handler, http.MethodPost, "/webhooks/alma", header, jobEnd); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	<-done
}
