package http

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/handler"
)

// checkResponse turns an answer into the handler's result: nil, an error to retry, or a permanent error.
func checkResponse(resp *http.Response, now time.Time) error {
	code := resp.StatusCode
	err := fmt.Errorf("answered %d %s", code, http.StatusText(code))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if after, ok := retryAfter(resp.Header.Get("Retry-After"), now); ok {
			return handler.RetryAfter(after, err)
		}
		return err
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return err
	case code >= 300 && code < 400 && resp.Header.Get("Location") != "":
		return handler.Permanent(fmt.Errorf("%w: redirects are not followed; set url to its target", err))
	}
	return handler.Permanent(err)
}

// maxRetryAfter limits the wait that an answer can ask for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds or a date. It returns false for other values and
// for a time in the past; the route's own delay applies then.
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		limited := min(seconds, uint64(maxRetryAfter/time.Second))
		return time.Duration(limited) * time.Second, limited > 0
	}
	at, err := http.ParseTime(text)
	if err != nil || !at.After(now) {
		return 0, false
	}
	return min(at.Sub(now), maxRetryAfter), true
}
