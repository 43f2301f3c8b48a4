package http

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/handler"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"1":                                time.Second,
		"86400":                            24 * time.Hour,
		"86401":                            24 * time.Hour,
		"Sat, 21 Nov 2026 10:00:00 GMT":    0, // now
		"-5":                               0,
		"1.5":                              0,
		"30":                               30 * time.Second,
		" 30 ":                             30 * time.Second,
		"18446744073709551615":             24 * time.Hour,
		"Sat, 21 Nov 2026 10:01:00 GMT":    time.Minute,
		"Sat, 21 Nov 2026 09:59:00 GMT":    0,
		"Sat, 21 Nov 2099 10:00:00 GMT":    24 * time.Hour,
		"Saturday, 21-Nov-26 10:00:10 GMT": 10 * time.Second,
	} {
		if got, ok := retryAfter(text, now); got != want || ok != (want > 0) {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

func TestAnswersAreDoneTriedAgainOrGivenUp(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		199: "given up", 200: "done", 299: "done", 300: "given up", 399: "given up", 400: "given up", 404: "given up", 408: "again", 425: "again",
		429: "again", 499: "given up", 500: "again", 503: "again", 599: "again",
	} {
		got := "again"
		switch err := checkResponse(&http.Response{StatusCode: code, Header: http.Header{}}, time.Now()); {
		case err == nil:
			got = "done"
		case handler.IsPermanent(err):
			got = "given up"
		}
		if got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
	for _, c := range []struct {
		code     int
		location string
		want     bool
	}{{300, "https://host", true}, {399, "https://host", true}, {302, "", false}, {400, "https://host", false}} {
		err := checkResponse(&http.Response{StatusCode: c.code, Header: http.Header{"Location": {c.location}}}, time.Now())
		if got := strings.Contains(err.Error(), "set url to its target"); got != c.want || !handler.IsPermanent(err) {
			t.Errorf("%d to %q: %v", c.code, c.location, err)
		}
	}
	for code, waits := range map[int]bool{http.StatusTooManyRequests: true, http.StatusServiceUnavailable: true, http.StatusInternalServerError: false} {
		err := checkResponse(&http.Response{StatusCode: code, Header: http.Header{"Retry-After": {"7"}}}, time.Now())
		if after, ok := handler.AfterOf(err); ok != waits || waits && after != 7*time.Second {
			t.Errorf("%d: after %v, %t", code, after, ok)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"", "30", "-1", "99999999999999999999", "Sat, 21 Nov 2026 10:01:00 GMT", "0x1f"} {
		f.Add(text, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, text string, now int64) {
		if d, ok := retryAfter(text, time.Unix(now, 0)); d < 0 || d > maxRetryAfter || ok != (d > 0) {
			t.Errorf("%q: %v, %v", text, d, ok)
		}
	})
}
