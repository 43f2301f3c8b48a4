package load_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/test/faults/load"
)

// TestOnlyAnswers200Count has a receiver that refuses everything at first.
func TestOnlyAnswers200Count(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	enough := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n := requests.Add(1); {
		case n <= 20:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 100:
			close(enough)
		}
	}))
	t.Cleanup(receiver.Close)
	l, err := load.New(load.Config{
		Name: "x", Receivers: []string{strings.TrimPrefix(receiver.URL, "http://")}, Sources: []string{"a", "b"}, Secret: "first", Rate: 200,
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	l.Start(t.Context())
	<-enough
	l.Stop()
	if refused := l.Others()["503"]; refused != 20 || len(l.Accepted()) != int(requests.Load())-refused {
		t.Errorf("of %d requests %d were accepted and %v refused", requests.Load(), len(l.Accepted()), l.Others())
	}
	for _, source := range []string{"a", "b"} {
		if gap := l.LongestGap(source); gap <= 0 || gap > time.Since(began) {
			t.Errorf("the longest gap of %s is %v", source, gap)
		}
		if l.AcceptedAfter(began, source).IsZero() || !l.AcceptedAfter(time.Now(), source).IsZero() {
			t.Errorf("when %s was accepted is wrong", source)
		}
	}
}
