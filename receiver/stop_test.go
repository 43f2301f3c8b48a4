package receiver_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/hookline/hookline/receiver"
)

func TestARequestThatRunsAtTheStopIsAnswered(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	b := fakeBroker{publish: hold(running, release)}
	s := serve(t, every(t), &b)
	conn := s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd)
	<-running
	s.stop()
	close(release)
	if got := answerOn(t, conn); got.code != http.StatusOK {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	b.one(t)
}

func TestAStopCutsOffAfterTheGrace(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	b := fakeBroker{publish: hold(running, release)}
	cfg := every(t)
	cfg.Grace = 20 * time.Millisecond
	s := serve(t, cfg, &b)
	s.dial(t, head(t, jobEnd, len(jobEnd))+jobEnd)
	<-running
	s.stop()
	if err := <-s.ended; err == nil {
		t.Error("no error reports the request that was cut off")
	}
}

func TestAnIdleReceiverStopsAtOnce(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, receiver.Config{}, &b)
	if got := s.get(t, "/webhooks/alma"); got.code != http.StatusNotFound {
		t.Errorf("answered %d", got.code)
	}
	s.stop()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// TestAConnectionBeyondTheLimitWaitsUntilAnotherIsIdle has a trusted proxy as its client, which has no share of its own.
func TestAConnectionBeyondTheLimitWaitsUntilAnotherIsIdle(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	b := fakeBroker{publish: hold(running, release)}
	cfg := every(t)
	cfg.MaxConnections, cfg.TrustedProxies = 1, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s := serve(t, cfg, &b)
	text := head(t, jobEnd, len(jobEnd)) + jobEnd
	first := s.dial(t, text)
	<-running
	second := s.dial(t, text)
	select {
	case <-running:
		t.Fatal("two connections at once")
	default:
	}
	close(release)
	if got := answerOn(t, first); got.code != http.StatusOK {
		t.Errorf("answered %d", got.code)
	}
	<-running // the first is still open, and gives way
	if got := answerOn(t, second); got.code != http.StatusOK {
		t.Errorf("answered %d", got.code)
	}
}
