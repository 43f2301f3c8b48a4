package dropbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/hookline/hookline/pkg/store"
)

// token is the access token of requests. It is safe for concurrent use.
type token struct {
	cfg Config
	url string

	mu      sync.Mutex
	current string
}

// get returns the current token. It gets a new one if the current one is old, which the service refused.
func (t *token) get(ctx context.Context, client *http.Client, old string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != "" && t.current != old {
		return t.current, nil
	}
	if t.cfg.RefreshToken == "" {
		return "", fmt.Errorf("%w: access_token is no longer valid; give refresh_token, app_key and app_secret, which do not expire", store.ErrRefused)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(t.cfg.RefreshToken)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(t.cfg.AppKey, string(t.cfg.AppSecret))
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return "", err
	case answer.StatusCode == http.StatusBadRequest, answer.StatusCode == http.StatusUnauthorized:
		return "", fmt.Errorf("%w: %s for refresh_token; check it, app_key and app_secret, or make a new one", store.ErrRefused, answer.Status)
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("new token: %s", answer.Status)
	}
	var given struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &given); err != nil || given.AccessToken == "" {
		return "", fmt.Errorf("new token: there is none in the answer")
	}
	t.current = given.AccessToken
	return t.current, nil
}
