package sender_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// A real receiver is away, hangs, drops the connection and answers late, and takes everything in the end.
func TestAPlayOutlastsARealReceiver(t *testing.T) {
	t.Parallel()
	scheme, _ := signature.Preset("alma")
	v := verifier(t, scheme, "sesame")
	var mu sync.Mutex
	tries := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed := r.Header.Get("X-Exl-Signature")
		mu.Lock()
		tries[signed]++
		try := tries[signed]
		mu.Unlock()
		switch try {
		case 1:
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the sender has gone
			<-r.Context().Done()
		case 2:
			panic(http.ErrAbortHandler)
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	sample, err := sender.Find("alma", "job_end", "json")
	if err != nil {
		t.Fatal(err)
	}
	player, err := sender.NewPlayer(sender.PlayConfig{
		To:       sender.Target{URL: server.URL, Deadline: 100 * time.Millisecond, Transport: server.Client().Transport},
		Verifier: v, Schedule: sender.ScheduleOf("alma"), Speed: 1e7, Rate: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	report := player.Play(t.Context(), func(yield func(sender.Message) bool) {
		for range 20 {
			if !yield(sample.Message("", time.Now())) {
				return
			}
		}
	})
	if report.Later != 20 || report.Answers["200"] != 20 || report.Answers["503"] != 20 || report.Answers["no answer"] != 40 || report.LongestGap < 0.1 {
		t.Errorf("%+v", report)
	}
}

func TestAPlayGivesUpOnAReceiverThatIsAway(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	player, err := sender.NewPlayer(sender.PlayConfig{To: sender.Target{URL: gone.URL}, Schedule: sender.ScheduleOf("alma"), Speed: 1e7, Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	report := player.Play(t.Context(), numbered(3))
	if len(report.GivenUp) != 3 || report.GivenUp[0].Tries != 4 || !strings.Contains(report.GivenUp[0].Last, "refused") {
		t.Errorf("%+v", report)
	}
}
