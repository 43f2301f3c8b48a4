package http

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
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
