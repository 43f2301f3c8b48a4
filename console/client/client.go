// Package client asks a running Hookline by the console's JSON API.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookline/hookline/console/api"
)

// maxAnswer is the size in bytes of the largest answer that is read. A body of an event has 16 MiB at most, in base64.
const maxAnswer = 64 << 20

// ErrAway reports that nothing answers at the address.
var ErrAway = errors.New("no console answers")

// Client asks one console.
type Client struct {
	base          *url.URL
	token, person string
	http          http.Client
}

// New returns a client of the console at a URL. person is the name of the person behind the program, for the log of who did what.
func New(base *url.URL, token, person string) *Client {
	return &Client{base: base, token: token, person: person, http: http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for this console only
	}}
}

// Get asks for a path below /api/v1/, and reads the answer into a value. The console's own errors are *api.Problem.
func (c *Client) Get(ctx context.Context, path string, q url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, q, nil, into)
}

// Post sends a value to a path below /api/v1/, and reads the answer into another.
func (c *Client) Post(ctx context.Context, path string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, nil, body, into)
}

func (c *Client) call(ctx context.Context, method, path string, q url.Values, body []byte, into any) error {
	answer, err := c.open(ctx, method, path, q, body, "application/json")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("the console's answer to %s cannot be read: %w (is it another version of Hookline?)", path, err)
	}
	return nil
}

// open sends a request, and returns an answer of 200.
func (c *Client) open(ctx context.Context, method, path string, q url.Values, body []byte, accept string) (*http.Response, error) {
	target := c.base.JoinPath("/api/v1/" + path)
	target.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Hookline-Person", c.person)
	answer, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w at %s: %w", ErrAway, c.base, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	p := &api.Problem{}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(p); err != nil || p.Detail == "" {
		return nil, fmt.Errorf("%s answered %s, which is no answer of Hookline's API: name the console's address", c.base, answer.Status)
	}
	return nil, p
}

// Message is an entry of a live stream.
type Message struct {
	Name string // stored or problem
	ID   string // cursor behind the entry
	Data []byte // JSON
}

// Live visits the entries of a live stream until the stream ends, ctx ends, or visit returns an error. after is the cursor to begin behind;
// empty: now. The cursor that it returns goes on behind everything that was sent.
func (c *Client) Live(ctx context.Context, q url.Values, after string, visit func(Message) error) (cursor string, err error) {
	q = cloned(q)
	if after != "" {
		q.Set("after", after)
	}
	answer, err := c.open(ctx, http.MethodGet, "events/live", q, nil, "text/event-stream")
	if err != nil {
		return after, err
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	m := Message{ID: after}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return m.ID, fmt.Errorf("%w at %s: the stream ended: %w", ErrAway, c.base, err)
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case field == "event":
			m.Name = value
		case field == "id":
			m.ID = value
		case field == "data":
			m.Data = []byte(value)
		case line == "\n" && len(m.Data) > 0:
			if err := visit(m); err != nil {
				return m.ID, err
			}
			m.Name, m.Data = "", nil
		case field == "" && strings.HasPrefix(value, "events after ") && m.ID == "":
			m.ID = strings.TrimPrefix(value, "events after ")
		}
	}
}

func cloned(q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = v
	}
	return out
}
