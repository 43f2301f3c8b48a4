// Package http forwards each event to a URL.
//
// The request has the event's body and Content-Type as received. Headers hold the event's ID and names: Hookline-Id,
// Hookline-Source, Hookline-Action, Hookline-Route, Hookline-Attempt. With a signing secret it also has the headers of Standard Webhooks
// (standardwebhooks.com): webhook-id, webhook-timestamp, webhook-signature.
//
// 2xx means done. 408, 425, 429, 5xx and network errors are retried, after the Retry-After of a 429 or 503 if it has
// one. Every other answer is final, a redirect too: redirects are not followed.
//
// Duplicates: a request whose answer was lost is sent again. The receiver must remember Hookline-Id together with
// Hookline-Source and Hookline-Action, or webhook-id, which stands for the three. They are the same each time.
package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/pkg/text"
)

// drain limits the part of an answer that is read, in bytes. A connection can be reused after its answer was read.
const drain = 64 << 10

type forwarder struct {
	client *http.Client
	url    *url.URL
	method string
	header http.Header
	body   *text.Template      // nil: the event's body
	sign   *signature.Verifier // nil: not signed

	decoding *jsonbody.Budget
}

// New checks cfg. It makes no request.
func New(cfg Config) (handler.Handler, error) {
	f, err := cfg.build()
	if err != nil {
		return nil, err
	}
	f.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     newTransport(newDialer()),
	}
	return f, nil
}

func newDialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
}

// newTransport limits the parts of a request. The route's timeout limits the whole.
func newTransport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // the answer is discarded
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Handle sends the event. Its errors name the host only: paths and queries of URLs can be secret.
func (f *forwarder) Handle(ctx context.Context, d event.Delivery) error {
	req, err := f.request(ctx, d, time.Now())
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.method, f.url.Host, err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.method, f.url.Host, cause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, drain) // the status has been read already
	if err := checkResponse(resp, time.Now()); err != nil {
		return fmt.Errorf("%s %s: %w", f.method, f.url.Host, err)
	}
	return nil
}

// content returns the body to send and its content type.
func (f *forwarder) content(ctx context.Context, d event.Delivery) (body []byte, kind string, err error) {
	if f.body == nil {
		return d.Event.Data, d.Event.ContentType, nil
	}
	free, err := f.decoding.Take(ctx, len(d.Event.Data))
	if err != nil {
		return nil, "", err
	}
	defer free()
	data, err := text.Of(d)
	if err != nil {
		return nil, "", handler.Permanent(err)
	}
	made, err := f.body.Fill(data)
	return []byte(made), "application/json", handler.Permanent(err)
}

// request returns the request for d, signed as of now.
func (f *forwarder) request(ctx context.Context, d event.Delivery, now time.Time) (*http.Request, error) {
	body, kind, err := f.content(ctx, d)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, f.method, f.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, cause(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if encoding := d.Event.Header["Content-Encoding"]; encoding != "" && f.body == nil {
		req.Header.Set("Content-Encoding", encoding) // the body is as the sender encoded it
	}
	for name, values := range f.header {
		req.Header[name] = values
	}
	if host := f.header.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header.Set("Hookline-Id", d.Event.ID)
	req.Header.Set("Hookline-Source", d.Event.Source)
	req.Header.Set("Hookline-Action", d.Event.Action)
	req.Header.Set("Hookline-Route", d.Route)
	req.Header.Set("Hookline-Attempt", strconv.Itoa(d.Attempt))
	if f.sign != nil {
		signed := signature.Request{Method: f.method, URL: f.url.String(), Header: req.Header, Body: body}
		if err := f.sign.Sign(&signed, messageID(d.Event), now); err != nil {
			return nil, err
		}
		req.Header = signed.Header
	}
	return req, nil
}

// cause strips the URL, which url.Error quotes in full.
func cause(err error) error {
	var quoted *url.Error
	if errors.As(err, &quoted) {
		return quoted.Err
	}
	return err
}
