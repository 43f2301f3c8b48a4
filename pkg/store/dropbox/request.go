package dropbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/hookline/hookline/pkg/store"
)

const (
	maxAnswer = 8 << 20 // bytes of a JSON answer
	// maxTries limits the tries of one request when Dropbox limits the rate, or fails.
	maxTries = 6
	maxWait  = time.Minute
)

// rpc calls an endpoint with JSON input and output.
func (c *conn) rpc(ctx context.Context, endpoint string, arg, into any) error {
	body, err := json.Marshal(arg)
	if err != nil {
		return err
	}
	answer, err := c.do(ctx, endpoint, c.api, body, http.Header{"Content-Type": {"application/json"}})
	if err != nil {
		return err
	}
	return decode(answer, into)
}

// upload calls an endpoint with bytes as input and JSON as output; its argument is in a header.
func (c *conn) upload(ctx context.Context, endpoint string, arg any, body []byte, into any) error {
	header, err := asHeader(arg)
	if err != nil {
		return err
	}
	header.Set("Content-Type", "application/octet-stream")
	answer, err := c.do(ctx, endpoint, c.content, body, header)
	if err != nil {
		return err
	}
	return decode(answer, into)
}

// decode decodes an answer into a value; nil discards it.
func decode(answer io.ReadCloser, into any) error {
	defer func() { _ = answer.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer, maxAnswer))
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// asHeader returns arg as Dropbox-API-Arg: JSON with all characters escaped except printable ASCII.
func asHeader(arg any) (http.Header, error) {
	text, err := json.Marshal(arg)
	if err != nil {
		return nil, err
	}
	var safe strings.Builder
	for _, r := range string(text) {
		if r < 0x7f {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	return http.Header{"Dropbox-Api-Arg": {safe.String()}}, nil
}

// do makes a request until it succeeds, or fails with a permanent error.
func (c *conn) do(ctx context.Context, endpoint, host string, body []byte, header http.Header) (io.ReadCloser, error) {
	allowed, err := c.token.get(ctx, c.client, "")
	if err != nil {
		return nil, err
	}
	renewed := false
	for try := 1; ; try++ {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, host+"/2/files/"+endpoint, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header = header.Clone()
		request.Header.Set("Authorization", "Bearer "+allowed)
		answer, err := c.client.Do(request)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode == http.StatusOK {
			return answer.Body, nil
		}
		wait, err := checkResponse(endpoint, answer)
		switch {
		case answer.StatusCode == http.StatusUnauthorized && !renewed:
			renewed = true
			if allowed, err = c.token.get(ctx, c.client, allowed); err != nil {
				return nil, err
			}
			continue
		case wait == 0 || try == maxTries:
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		case <-time.After(wait):
		}
	}
}

// passing matches temporary conflicts: somebody frees space, others stop writing, and a session with a lost answer is begun again.
var passing = regexp.MustCompile(`insufficient_space|too_many_write_operations|incorrect_offset`)

// checkResponse returns the error of an answer other than 200, and the wait before a retry; 0: no retry.
func checkResponse(endpoint string, answer *http.Response) (time.Duration, error) {
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var reply struct {
		Summary string `json:"error_summary"`
	}
	_ = json.Unmarshal(body, &reply) // some answers are plain text
	err := fmt.Errorf("dropbox %s: %s %s", endpoint, answer.Status, reply.Summary)
	switch code := answer.StatusCode; {
	case code == http.StatusConflict && strings.Contains(reply.Summary, "not_found"):
		return 0, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case code == http.StatusConflict && passing.MatchString(reply.Summary):
		return 0, err
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return min(max(time.Duration(seconds)*time.Second, time.Second), maxWait), err
	}
	return 0, fmt.Errorf("%w: %w; check the app's permissions (files.content.write, files.content.read, files.metadata.read) and dir", store.ErrRefused, err)
}
