package alma_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/alma"
)

// answers is a transport: a function that answers at once.
type answers func(r *http.Request) (status int, header http.Header, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, header, body := a(r)
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func bubble(t *testing.T, cfg alma.Config, fn answers) *alma.Client {
	t.Helper()
	cfg.Region, cfg.Key = "eu", "key"
	c := newClient(t, cfg)
	c.Through(fn)
	return c
}

const perSecond = `{"errorsExist":true,"errorList":{"error":[{"errorCode":"PER_SECOND_THRESHOLD"}]}}`

func TestTheShareOfAProcessIsKept(t *testing.T) {
	for _, c := range []struct {
		cfg  alma.Config
		want time.Duration // for 51 requests
	}{
		{alma.Config{}, 2 * time.Second}, {alma.Config{Processes: 5}, 10 * time.Second}, {alma.Config{Rate: 1}, 50 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := bubble(t, c.cfg, func(*http.Request) (int, http.Header, string) { return 200, nil, "{}" })
			began := time.Now()
			var all sync.WaitGroup
			for range 51 {
				all.Go(func() {
					if _, err := client.User(t.Context(), "u"); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if took := time.Since(began); took < c.want-time.Millisecond || took > c.want+50*time.Millisecond {
				t.Errorf("%+v: 51 requests took %v, want %v", c.cfg, took, c.want)
			}
		})
	}
}

// TestFourProcessesShareOneLimit has them each told that it is alone, and each told that there are four.
func TestFourProcessesShareOneLimit(t *testing.T) {
	for processes, most := range map[int]struct {
		took    time.Duration
		refused int
	}{1: {2 * 64 * time.Second, 160}, 4: {2 * 64 * time.Second, 40}} {
		synctest.Test(t, func(t *testing.T) {
			limit := &limit{}
			began := time.Now()
			var all sync.WaitGroup
			for range 4 {
				client := bubble(t, alma.Config{Processes: processes}, limit.answer)
				for range 8 { // as a route's concurrency
					all.Go(func() {
						for range 50 {
							for {
								if _, err := client.User(t.Context(), "u"); err == nil {
									break // else the route tries again
								}
							}
						}
					})
				}
			}
			all.Wait()
			took := time.Since(began)
			t.Logf("1600 requests, processes %d: %v, %d answered 429", processes, took, limit.refused)
			if limit.done != 1600 || took > most.took || limit.refused > most.refused {
				t.Errorf("processes %d: %d done in %v, %d refused", processes, limit.done, took, limit.refused)
			}
		})
	}
}

// limit is Alma's: 25 requests in each second.
type limit struct {
	mu                   sync.Mutex
	second               int64
	asked, done, refused int
}

func (l *limit) answer(*http.Request) (int, http.Header, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now().Unix(); now != l.second {
		l.second, l.asked = now, 0
	}
	if l.asked++; l.asked > alma.DefaultRate {
		l.refused++
		return http.StatusTooManyRequests, nil, perSecond
	}
	l.done++
	return http.StatusOK, nil, "{}"
}

func TestTries(t *testing.T) {
	for name, c := range map[string]struct {
		statuses []int // what is answered, the last one from then on
		header   http.Header
		asked    int
		ok       bool
		atLeast  time.Duration
	}{
		"a moment's failure":       {statuses: []int{503, 200}, asked: 2, ok: true, atLeast: 700 * time.Millisecond},
		"a failure that stays":     {statuses: []int{500}, asked: 3, atLeast: 2 * time.Second},
		"429":                      {statuses: []int{429, 200}, asked: 2, ok: true, atLeast: 700 * time.Millisecond},
		"429 with a Retry-After":   {statuses: []int{429, 200}, header: http.Header{"Retry-After": {"20"}}, asked: 2, ok: true, atLeast: 15 * time.Second},
		"what no repeat can help":  {statuses: []int{400, 200}, asked: 1},
		"a key without the rights": {statuses: []int{403, 200}, asked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked, began := 0, time.Now()
				client := bubble(t, alma.Config{}, func(*http.Request) (int, http.Header, string) {
					asked++
					return c.statuses[min(asked, len(c.statuses))-1], c.header, "{}"
				})
				_, err := client.User(t.Context(), "u")
				if asked != c.asked || (err == nil) != c.ok || time.Since(began) < c.atLeast {
					t.Errorf("asked %d times in %v: %v", asked, time.Since(began), err)
				}
			})
		})
	}
}

func TestTheReserveIsLeftToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a bubble's time begins at midnight UTC
		left, asked := "1001", 0
		client := bubble(t, alma.Config{Reserve: 1000}, func(*http.Request) (int, http.Header, string) {
			asked++
			return 200, http.Header{"X-Exl-Api-Remaining": {left}}, "{}"
		})
		ask := func() error { _, err := client.User(t.Context(), "u"); return err }
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		left = "1000"
		if err := ask(); err != nil { // its answer says that it was the last
			t.Fatal(err)
		}
		var used *alma.QuotaError
		if err := ask(); !errors.As(err, &used) || used.Wait() < 179*time.Minute || used.Wait() > 3*time.Hour || asked != 2 {
			t.Errorf("asked %d times: %v", asked, err)
		}
		<-time.After(3 * time.Hour)
		left = "900"
		if err := ask(); err != nil || asked != 3 {
			t.Errorf("does not look whether there are more: %v", err)
		}
		<-time.After(20*time.Hour + 30*time.Minute)
		if err := ask(); err != nil {
			t.Error(err)
		}
		if err := ask(); !errors.As(err, &used) || used.Wait() > 30*time.Minute {
			t.Errorf("waits beyond the end of the day: %v", err)
		}
		<-time.After(30 * time.Minute)
		left = "500000"
		if err := errors.Join(ask(), ask()); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

func TestAnUsedUpDayIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		client := bubble(t, alma.Config{}, func(*http.Request) (int, http.Header, string) {
			asked++
			return 429, nil, strings.Replace(perSecond, "PER_SECOND", "DAILY", 1)
		})
		for range 2 {
			_, err := client.User(t.Context(), "u")
			var used *alma.QuotaError
			if !errors.As(err, &used) || asked != 1 {
				t.Errorf("asked %d times: %v", asked, err)
			}
		}
	})
}

// TestADayIsWaitedForInFewAttempts has a handler that comes back when the error says: deployments/examples give it 10 attempts.
func TestADayIsWaitedForInFewAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a bubble's time begins at midnight UTC
		today := time.Now().UTC().Day()
		client := bubble(t, alma.Config{}, func(*http.Request) (int, http.Header, string) {
			if time.Now().UTC().Day() == today {
				return 429, nil, strings.Replace(perSecond, "PER_SECOND", "DAILY", 1)
			}
			return 200, nil, "{}"
		})
		for attempt := 1; ; attempt++ {
			_, err := client.User(t.Context(), "u")
			if err == nil {
				return
			}
			var used *alma.QuotaError
			if !errors.As(err, &used) || attempt == 10 {
				t.Fatalf("attempt %d: %v", attempt, err)
			}
			<-time.After(used.Wait())
		}
	})
}
