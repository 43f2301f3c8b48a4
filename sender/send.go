// Package sender plays a webhook sender. It sends messages in the form, with the signature and on the schedule of a known
// sender, and reports the answers. Command `hookline send` and tests use it.
//
// A Sample is the template of a Message, Send sends one message, and a Player sends many and repeats them.
package sender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hookline/hookline/pkg/signature"
)

// DefaultDeadline is the default of Target.Deadline: Alma's limit.
const DefaultDeadline = 5 * time.Second

// maxAnswer is the number of bytes that are read of an answer.
const maxAnswer = 64 << 10

// Target is a receiver of webhooks.
type Target struct {
	// URL is the address of the receiver. Its query is sent, too.
	URL string
	// Deadline is the time for the whole answer; 0 is DefaultDeadline.
	Deadline time.Duration
	// Transport sends the requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Answer is the answer of a receiver. It can be a redirect, because webhook senders never follow redirects.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte // the first 64 KiB
	Took   time.Duration
}

// Send signs the message with v and posts it; nil sends it unsigned. It returns an error if the answer is late or
// missing. Every status code is an answer.
func Send(ctx context.Context, to Target, m Message, v *signature.Verifier) (Answer, error) {
	u, err := to.parse()
	if err != nil {
		return Answer{}, err
	}
	signed := signature.Request{Method: http.MethodPost, URL: to.URL, Header: m.Header.Clone(), Query: u.Query(), Body: m.Body}
	if v != nil {
		if err := v.Sign(&signed, m.ID, time.Now()); err != nil {
			return Answer{}, fmt.Errorf("sign the message: %w", err)
		}
	}
	if query := signed.Query.Encode(); query != u.Query().Encode() { // an equal query stays as written, because it can be signed
		u.RawQuery = query
	}
	return to.do(ctx, http.MethodPost, u, signed.Header, m.Body)
}

// do sends one request and reads the answer within the deadline. Its errors leave out the URL, because the query can hold
// a secret.
func (to Target) do(ctx context.Context, method string, u *url.URL, h http.Header, body []byte) (Answer, error) {
	deadline := to.Deadline
	if deadline == 0 {
		deadline = DefaultDeadline
	}
	late := fmt.Errorf("no answer within %v, which counts as a failure for the sender", deadline)
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, late)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("%s to %s: %w", method, u.Host, withoutURL(err))
	}
	if h != nil {
		r.Header = h
	}
	client := http.Client{
		Transport:     to.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	begin := time.Now()
	a, err := ask(&client, r)
	a.Took = time.Since(begin)
	if err != nil {
		return a, fmt.Errorf("%s to %s: %w", method, u.Host, withoutURL(err))
	}
	return a, nil
}

func ask(client *http.Client, r *http.Request) (Answer, error) {
	response, err := client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return Answer{Code: response.StatusCode, Header: response.Header, Body: body}, err
}

func (to Target) parse() (*url.URL, error) {
	u, err := url.Parse(to.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the URL to send to is not of the form http://HOST/PATH or https://HOST/PATH")
	}
	return u, nil
}

func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
