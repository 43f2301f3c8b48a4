package cli

import (
	"fmt"
	"net/url"
)

// parseURL reads what --url says.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage(fmt.Errorf("--url %q: begin the URL with https:// or http://, as in https://hooks.example.org or http://localhost:8080", text))
	}
	return u, nil
}
