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

// maxAnswer limits the part of an answer that post reads, in bytes.
const maxAnswer = 64 << 10

// newClient returns an HTTP client without a timeout: contexts limit its requests. It follows no redirect, so that no secret reaches
// another host. It keeps no connection, because a connection that the service has closed meanwhile looks like a lost answer.
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

// post makes a request that sends a message. Its errors hold the host and codes. They leave out the answer's text, which can name
// the person.
func post(ctx context.Context, client *http.Client, target string, header http.Header, body string) error {
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return handler.Permanent(errors.New("the URL cannot be used"))
	}
	req.GetBody = nil // so that the transport does not repeat the request on a lost connection, as it does with an Idempotency-Key
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
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status decides; the text is for the error's code
	if err := checkResponse(resp, text); err != nil {
		return fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	return nil
}

// checkResponse turns an answer into the result of Sender.Send.
func checkResponse(resp *http.Response, body []byte) error {
	code := resp.StatusCode
	err := fmt.Errorf("answered %d %s%s", code, http.StatusText(code), detail(body))
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadGateway, code == http.StatusGatewayTimeout: // a proxy lost the answer
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

// errorCode matches a service's error code, in JSON (Twilio) or XML (SNS).
var errorCode = regexp.MustCompile(`"code"\s*:\s*"?([A-Za-z0-9_.-]{1,40})|<Code>([A-Za-z0-9_.-]{1,60})</Code>`)

func detail(body []byte) string {
	if found := errorCode.FindSubmatch(body); found != nil {
		return ", code " + string(found[1]) + string(found[2])
	}
	return ""
}

// cause strips the URL, which url.Error quotes in full.
func cause(err error) error {
	var quoted *url.Error
	if errors.As(err, &quoted) {
		return quoted.Err
	}
	return err
}

// checkURL checks the URL of a service. Its error does not quote the URL.
func checkURL(key, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s: must begin with https://host", key)
	}
	return nil
}
