package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hookline/hookline/pkg/handler"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// newClient is an HTTP client whose requests are bounded by their contexts. It follows no redirect, so that no secret gets
// elsewhere, and keeps no connection: one that the service has closed meanwhile would look like a lost answer.
func newClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			DisableKeepAlives:   true,
		},
	}
}

// post makes a request that sends a message. Its errors have the host and codes, nothing that the service says: that can
// name the person.
func post(ctx context.Context, client *http.Client, target string, header http.Header, body string) error {
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return handler.Permanent(errors.New("the URL cannot be used"))
	}
	req.GetBody = nil // without it the transport cannot repeat a request, as it does on a lost connection with an Idempotency-Key
	for name, values := range header {
		req.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := client.Do(req)
	switch {
	case err != nil && wrote.Load():
		return fmt.Errorf("%s: %w: its answer was lost: %w", req.URL.Host, errMaybe, cause(err))
	case err != nil:
		return fmt.Errorf("%s: %w", req.URL.Host, cause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status says it all; the text is for the error's code
	if err := checkResponse(resp, text); err != nil {
		return fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	return nil
}

// checkResponse turns an answer into what Sender.Send says.
func checkResponse(resp *http.Response, body []byte) error {
	code := resp.StatusCode
	err := fmt.Errorf("answered %d %s%s", code, http.StatusText(code), detail(body))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadGateway, code == http.StatusGatewayTimeout: // a proxy, which lost the answer
		return fmt.Errorf("%w: %w", errMaybe, err)
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if seconds, parse := strconv.Atoi(resp.Header.Get("Retry-After")); parse == nil && seconds > 0 {
			return handler.RetryAfter(min(time.Duration(seconds)*time.Second, 24*time.Hour), err)
		}
		return err
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return err
	}
	return handler.Permanent(err)
}

// errorCode is a service's own code of an error, in JSON (Twilio) or XML (SNS).
var errorCode = regexp.MustCompile(`"code"\s*:\s*"?([A-Za-z0-9_.-]{1,40})|<Code>([A-Za-z0-9_.-]{1,60})</Code>`)

func detail(body []byte) string {
	if found := errorCode.FindSubmatch(body); found != nil {
		return ", code " + string(found[1]) + string(found[2])
	}
	return ""
}

// cause is what went wrong without the URL, which url.Error quotes in full.
func cause(err error) error {
	var quoted *url.Error
	if errors.As(err, &quoted) {
		return quoted.Err
	}
	return err
}

// checkURL checks the URL of a service.
func checkURL(key, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s: must begin with https://host", key) // the parser's error would quote it
	}
	return nil
}
