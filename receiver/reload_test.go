package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

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
	if err := rc.Reload(rotated(t, "another-test-secret")); err != nil {
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
}

// Alma never repeats a 404, and a mistake in hookline.yml is soon corrected.
func TestASourceThatAReloadRemovesIs503ForADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b fakeBroker
		core, logs := observer.New(zapcore.DebugLevel)
		rc, err := receiver.New(every(t), &b, prometheus.NewRegistry(), zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		code := func() int {
			header := http.Header{}
			sign(t, "github", "", header, "{}")
			return request(t, rc.Handler(), http.MethodPost, "/webhooks/github", header, "{}").Code
		}
		reload := func(sources receiver.Sources) {
			if err := rc.Reload(sources); err != nil {
				t.Fatal(err)
			}
		}
		reload(rotated(t, "another-test-secret"))
		if got := code(); got != http.StatusServiceUnavailable {
			t.Errorf("answered %d at once", got)
		}
		if n := logs.FilterMessageSnippet("source removed by a reload").FilterField(zap.String("source", "github")).Len(); n != 1 {
			t.Errorf("%d lines name it", n)
		}
		if n := logs.FilterMessage("request not served").FilterField(zap.String("reason", "removed")).Len(); n != 1 {
			t.Errorf("%d lines name the request", n)
		}
		<-time.After(23 * time.Hour)
		reload(rotated(t, "a-third-test-secret"))
		if got := code(); got != http.StatusServiceUnavailable {
			t.Errorf("answered %d after 23 hours and another reload", got)
		}
		<-time.After(time.Hour)
		if got := code(); got != http.StatusNotFound {
			t.Errorf("answered %d after a day", got)
		}
		reload(every(t).Sources)
		if got := code(); got != http.StatusOK {
			t.Errorf("answered %d when it is back", got)
		}
	})
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
	bad := rotated(t, "another-test-secret")
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
