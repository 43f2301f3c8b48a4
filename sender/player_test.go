package sender_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// seen is a request as a receiver saw it.
type seen struct {
	id    string
	after time.Duration // since the first
	retry string        // X-Slack-Retry-Num
}

// receiver is a receiver without a network, so that its time can be the bubble's.
type receiver struct {
	answer func(id string, try int) int // a code; 0: hang; -1: drop
	header http.Header

	mu    sync.Mutex
	began time.Time
	tries map[string]int
	seen  []seen
}

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	id := request.Header.Get("Id")
	r.mu.Lock()
	if r.began.IsZero() {
		r.began, r.tries = time.Now(), map[string]int{}
	}
	r.tries[id]++
	try := r.tries[id]
	r.seen = append(r.seen, seen{id, time.Since(r.began), request.Header.Get("X-Slack-Retry-Num")})
	r.mu.Unlock()
	switch code := r.answer(id, try); code {
	case 0:
		<-request.Context().Done()
		return nil, context.Cause(request.Context())
	case -1:
		return nil, fmt.Errorf("connection reset by peer")
	default:
		return &http.Response{StatusCode: code, Header: r.header, Body: http.NoBody, Request: request}, nil
	}
}

func numbered(n int) iter.Seq[sender.Message] {
	return func(yield func(sender.Message) bool) {
		for i := range n {
			id := fmt.Sprint(i)
			if !yield(sender.Message{ID: id, Header: http.Header{"Id": {id}}}) {
				return
			}
		}
	}
}

func play(ctx context.Context, t *testing.T, r *receiver, preset string, n int, change func(*sender.PlayConfig)) sender.Report {
	t.Helper()
	cfg := sender.PlayConfig{
		To:       sender.Target{URL: "http://receiver/webhooks/x", Deadline: 5 * time.Second, Transport: r},
		Schedule: sender.ScheduleOf(preset), Speed: 1, Rate: 10,
	}
	if change != nil {
		change(&cfg)
	}
	player, err := sender.NewPlayer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return player.Play(ctx, numbered(n))
}

func always(code int) func(string, int) int { return func(string, int) int { return code } }

func TestASenderRepeatsAsItIsKnownTo(t *testing.T) {
	t.Parallel()
	const h, m = time.Hour, time.Minute
	for _, c := range []struct {
		preset string
		code   int
		want   []time.Duration // since the first try
	}{
		{"alma", 503, []time.Duration{0, 1 * h, 4 * h, 10 * h}},
		{"alma", -1, []time.Duration{0, 1 * h, 4 * h, 10 * h}},
		{"alma", 0, []time.Duration{0, 1*h + 5*time.Second, 4*h + 10*time.Second, 10*h + 15*time.Second}},
		{"alma", 401, []time.Duration{0}},
		{"alma", 429, []time.Duration{0}},
		{"alma", 302, []time.Duration{0}},
		{"alma", 204, []time.Duration{0}},
		{"github", 500, []time.Duration{0}},
		{"slack", 401, []time.Duration{0, 0, m, 6 * m}},
		{"zoom", 500, []time.Duration{0, 5 * m, 35 * m, 95 * m}},
		{"bitbucket", 500, []time.Duration{0, 0, 0}},
	} {
		t.Run(fmt.Sprint(c.preset, c.code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &receiver{answer: always(c.code)}
				report := play(t.Context(), t, r, c.preset, 1, nil)
				var got []time.Duration
				for _, s := range r.seen {
					got = append(got, s.after)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("tries after %v, want %v", got, c.want)
				}
				if gaveUp := c.code != 204; len(report.GivenUp) == 1 != gaveUp || report.Tries != len(c.want) {
					t.Errorf("%+v", report)
				}
			})
		})
	}
}

func TestEveryPresetHasAScheduleOfAtMostThreeDays(t *testing.T) {
	t.Parallel()
	for _, preset := range signature.Presets() {
		var total time.Duration
		for _, pause := range sender.ScheduleOf(preset).Pauses {
			total += pause
		}
		if total > 72*time.Hour || total == 0 && preset != "github" && preset != "gitlab" && preset != "bitbucket" {
			t.Errorf("%s repeats for %v", preset, total)
		}
	}
	if len(sender.ScheduleOf("unheard-of").Pauses) == 0 {
		t.Error("an unknown sender never repeats")
	}
}

func TestSlackCountsItsRepeatsAndCanBeStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: always(500)}
		play(t.Context(), t, r, "slack", 1, nil)
		var counted []string
		for _, s := range r.seen {
			counted = append(counted, s.retry)
		}
		if !slices.Equal(counted, []string{"", "1", "2", "3"}) {
			t.Errorf("counted %q", counted)
		}
		r = &receiver{answer: always(500), header: http.Header{"X-Slack-No-Retry": {"1"}}}
		if report := play(t.Context(), t, r, "slack", 1, nil); report.Tries != 1 || len(report.GivenUp) != 1 {
			t.Errorf("%+v", report)
		}
	})
}

func TestReportCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(id string, try int) int {
			switch {
			case id == "2": // always down
				return 503
			case id == "4" && try < 3: // comes back
				return -1
			}
			return 200
		}}
		report := play(t.Context(), t, r, "alma", 6, func(c *sender.PlayConfig) { c.Speed = 600 })
		want := sender.Report{
			Messages: 6, AtFirst: 4, Later: 1, Tries: 4 + 3 + 4, Answers: map[string]int{"200": 5, "503": 4, "no answer": 2},
			DuplicateAnswers: map[string]int{}, GivenUp: []sender.GivenUp{{ID: "2", Tries: 4, Last: "503"}},
			Slowest: report.Slowest, LongestGap: 35, Took: 60.2,
		}
		if report.LongestGap = math.Floor(report.LongestGap); !reflect.DeepEqual(report, want) {
			t.Errorf("\n%+v, want\n%+v", report, want)
		}
	})
}

func TestDuplicatesComeAtEachTimeAndRepeatForASeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		order := func(seed uint64) (got []seen, report sender.Report) {
			r := &receiver{answer: always(200)}
			report = play(t.Context(), t, r, "alma", 200, func(c *sender.PlayConfig) { c.Repeat, c.Seed, c.Speed = 0.5, seed, 600 })
			slices.SortFunc(r.seen, func(a, b seen) int { return strings.Compare(a.id, b.id)*2 + int(a.after-b.after) })
			return r.seen, report
		}
		first, report := order(1)
		if report.AtFirst != 200 || report.Duplicates < 70 || report.Duplicates > 130 || report.DuplicateAnswers["200"] != report.Duplicates || report.Tries != 200+report.Duplicates {
			t.Errorf("%+v", report)
		}
		at := map[string][]time.Duration{}
		for _, s := range first {
			at[s.id] = append(at[s.id], s.after)
		}
		var once, soon, late int
		for _, times := range at {
			switch {
			case len(times) == 1:
				once++
			case times[1]-times[0] == 0:
				soon++
			case times[1]-times[0] > 100*time.Millisecond && times[1]-times[0] <= 6*time.Second: // behind younger ones
				late++
			}
		}
		if once != 200-report.Duplicates || soon < 20 || late < 10 {
			t.Errorf("%d once, %d again at once, %d late", once, soon, late)
		}
		if again, _ := order(1); !reflect.DeepEqual(first, again) {
			t.Error("the same seed played other messages")
		}
		if other, _ := order(2); reflect.DeepEqual(first, other) {
			t.Error("another seed played the same")
		}
	})
}

func TestAnInterruptedPlayReportsUnsettledMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := &receiver{answer: func(id string, _ int) int { return map[bool]int{true: 200, false: 0}[id == "0"] }}
		report := play(ctx, t, r, "alma", 3, func(c *sender.PlayConfig) { c.Repeat = 1 })
		if report.AtFirst != 1 || report.Unsettled != 2 || len(report.GivenUp) != 0 {
			t.Errorf("%+v", report)
		}
	})
}

func TestNewPlayerNamesEveryWrongNumber(t *testing.T) {
	t.Parallel()
	_, err := sender.NewPlayer(sender.PlayConfig{Speed: 0, Rate: -1, Repeat: 2})
	for _, want := range []string{"speed", "rate", "share", "URL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// A real receiver hangs, drops connections and answers 503, and accepts each message at the end.
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
		To:       sender.Target{URL: server.URL, Deadline: 2 * time.Second, Transport: server.Client().Transport},
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
	if report.Later != 20 || report.Answers["200"] != 20 || report.Answers["503"] != 20 || report.Answers["no answer"] != 40 || report.LongestGap < 2 {
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
