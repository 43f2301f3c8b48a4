// Package http forwards each event to a URL.
//
// The body goes out as it was received, with its Content-Type; the event's ID and names are headers: Hookline-Id,
// Hookline-Source, Hookline-Action, Hookline-Route, Hookline-Attempt, and with a signing secret those of Standard Webhooks
// (standardwebhooks.com): webhook-id, webhook-timestamp, webhook-signature.
//
// 2xx is done. 408, 425, 429, 5xx and whatever goes wrong on the network is tried again, after the answer's Retry-After
// if a 429 or 503 has one. Every other answer is final; a redirect too, as it is not followed.
//
// What can happen twice: a request whose answer was lost was carried out and is sent again. Whoever receives it must
// remember Hookline-Id together with Hookline-Source and Hookline-Action, which are the same each time, or webhook-id, which stands for the three.
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
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/pkg/text"
)

// drain is how much of an answer is read, in bytes, so that its connection can be used again.
const drain = 64 << 10

type forwarder struct {
	client *http.Client
	url    *url.URL
	method string
	header http.Header
	body   *text.Template      // nil: the event's own
	sign   *signature.Verifier // nil: not signed
}

// New checks cfg. It makes no request.
func New(cfg Config) (handler.Handler, error) {
	f, err := cfg.build()
	if err != nil {
		return nil, err
	}
	f.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // the whole request is bounded by the route's timeout
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // the answer is thrown away
			MaxIdleConnsPerHost:    32,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return f, nil
}

// Handle sends the event. Its errors name the host only: paths and queries of URLs can be secret.
func (f *forwarder) Handle(ctx context.Context, d event.Delivery) error {
	req, err := f.request(ctx, d)
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.method, f.url.Host, err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.method, f.url.Host, cause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, drain) // the status has been read: what follows it changes nothing
	if err := checkResponse(resp, time.Now()); err != nil {
		return fmt.Errorf("%s %s: %w", f.method, f.url.Host, err)
	}
	return nil
}

// content is what is sent of an event, and its type.
func (f *forwarder) content(d event.Delivery) (body []byte, kind string, err error) {
	if f.body == nil {
		return d.Event.Data, d.Event.ContentType, nil
	}
	data, err := text.Of(d)
	if err != nil {
		return nil, "", handler.Permanent(err)
	}
	made, err := f.body.Fill(data)
	return []byte(made), "application/json", handler.Permanent(err)
}

func (f *forwarder) request(ctx context.Context, d event.Delivery) (*http.Request, error) {
	body, kind, err := f.content(d)
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
		if err := f.sign.Sign(&signed, messageID(d.Event), time.Now()); err != nil {
			return nil, err
		}
		req.Header = signed.Header
	}
	return req, nil
}

// cause is what went wrong without the URL, which url.Error quotes in full.
func cause(err error) error {
	var quoted *url.Error
	if errors.As(err, &quoted) {
		return quoted.Err
	}
	return err
}
