// Package alma reads from the REST API of Ex Libris Alma (developers.exlibrisgroup.com/alma/apis).
//
// A Client stands for one institution. All requests of a process to an institution use one Client, so that they share its
// limits: 25 requests a second for all programs of the institution, and a number of requests a day.
package alma

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	root = "/almaws/v1"
	// tries is the number of times that one request is made. After that, the route's own retries follow.
	tries = 3
	// firstDelay is the wait before the second try. It doubles for the third.
	firstDelay = time.Second
	// maxAnswer limits an answer, in bytes; the largest bibliographic records are far below.
	maxAnswer = 16 << 20
)

// Client reads from one institution's API. It is safe for concurrent use.
type Client struct {
	institution string
	base, key   string
	http        *http.Client
	limiter     *limiter
	metrics     *Metrics
}

// New checks cfg. It makes no request. The institution's name in the configuration is the label of its metrics.
func New(institution string, cfg Config, m *Metrics) (*Client, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	base, err := cfg.base()
	if err != nil {
		return nil, err
	}
	m.prepare(institution)
	return &Client{
		institution: institution, base: base, key: string(cfg.Key), limiter: newLimiter(cfg), metrics: m,
		http: &http.Client{
			CheckRedirect: sameHost,
			Transport: &http.Transport{ // contexts limit the whole request
				DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
				TLSHandshakeTimeout:    10 * time.Second,
				ResponseHeaderTimeout:  60 * time.Second,
				ForceAttemptHTTP2:      true,
				MaxIdleConnsPerHost:    8,
				IdleConnTimeout:        90 * time.Second,
				MaxResponseHeaderBytes: 64 << 10,
			},
		},
	}, nil
}

// sameHost follows a redirect within the API, as for an item's barcode. It follows no redirect that would carry the key to another host.
func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > 3 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// get reads path as JSON. It waits for the limiter. It retries network errors, 5xx, and 429 after the pause that the answer
// asks for.
//
// It returns ErrNotFound, *Error for other answers of the API, *QuotaError when the day's requests are used up, or
// a network error. No error names the path, because it can identify a person.
func (c *Client) get(ctx context.Context, path string, query url.Values) (header http.Header, body []byte, failures error) {
	for try := range tries {
		if try > 0 {
			if err := sleep(ctx, jitter(firstDelay<<(try-1))); err != nil {
				return nil, nil, errors.Join(failures, err)
			}
		}
		if err := c.limiter.wait(ctx); err != nil {
			return nil, nil, errors.Join(failures, err)
		}
		header, body, err := c.once(ctx, path, query)
		if err == nil || !retryable(err) || ctx.Err() != nil {
			return header, body, err
		}
		failures = fmt.Errorf("after %d tries: %w", try+1, err)
	}
	return nil, nil, failures
}

// getOne gets a path with IDs in it. It escapes the IDs, because they may hold "@", "/" and spaces.
func (c *Client) getOne(ctx context.Context, path string, query url.Values, ids ...string) ([]byte, error) {
	escaped := make([]any, len(ids))
	for i, id := range ids {
		if id == "" || id == "." || id == ".." {
			return nil, ErrNoID
		}
		escaped[i] = url.PathEscape(id)
	}
	_, body, err := c.get(ctx, fmt.Sprintf(path, escaped...), query)
	return body, err
}

func (c *Client) once(ctx context.Context, path string, query url.Values) (http.Header, []byte, error) {
	target := c.base + root + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, errors.New("alma: the path cannot be part of a URL") // the error would quote it
	}
	req.Header.Set("Authorization", "apikey "+c.key)
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		c.metrics.count(c.institution, 0)
		return nil, nil, fmt.Errorf("alma: %w", cause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	c.metrics.count(c.institution, resp.StatusCode)
	c.metrics.left(c.institution, c.limiter.observe(resp, time.Now()))
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, nil, fmt.Errorf("alma: read the answer: %w", cause(err))
	}
	if len(body) > maxAnswer {
		return nil, nil, fmt.Errorf("alma: the answer is longer than %d bytes", maxAnswer)
	}
	if err := checkResponse(resp, body); err != nil {
		return nil, nil, c.limiter.refused(err, time.Now())
	}
	c.limiter.accepted()
	return resp.Header, body, nil
}

// cause strips the URL, which url.Error quotes in full.
func cause(err error) error {
	var quoted *url.Error
	if errors.As(err, &quoted) {
		return quoted.Err
	}
	return err
}

// jitter changes d by a random part of at most a quarter, so that requests that failed together are not repeated together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
