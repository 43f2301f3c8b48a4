package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/receiver"
)

// deadlines records the deadlines that a receiver sets on a connection.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.read = append(d.read, at)
	return nil
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.write = append(d.write, at)
	return nil
}

// TestABodyIsReadWithinItsShareOfTheDeadline leaves the rest of the sender's deadline to the publish and the answer.
func TestABodyIsReadWithinItsShareOfTheDeadline(t *testing.T) {
	t.Parallel()
	for deadline, share := range map[time.Duration]time.Duration{time.Second: 600 * time.Millisecond, time.Minute: 3 * time.Second} { // then at the least rate
		cfg := only(t, func(s *receiver.Source) { s.Deadline = deadline })
		rc, err := receiver.New(cfg, &fakeBroker{}, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		before := time.Now()
		rc.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/alma", strings.NewReader(jobEnd)))
		after := time.Now()
		if len(w.read) != 1 || w.read[0].Before(before.Add(share)) || w.read[0].After(after.Add(share)) {
			t.Errorf("a deadline of %v: the body is read until %v, want %v after %v", deadline, w.read, share, before)
		}
		if long := deadline == time.Minute; long != (len(w.write) == 1) || long && w.write[0].Before(before.Add(deadline)) {
			t.Errorf("a deadline of %v: the answer has time until %v", deadline, w.write)
		}
	}
}
