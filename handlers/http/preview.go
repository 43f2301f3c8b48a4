package http

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview returns the request that Handle would send, as of the event's time of receipt. The path and query of the URL, the configured headers
// and the signature are secret.
func (f *forwarder) Preview(ctx context.Context, d event.Delivery) (p handler.Preview, err error) {
	req, err := f.request(ctx, d, d.Event.Time)
	if err != nil {
		return p, fmt.Errorf("%s %s: %w", f.method, f.url.Host, err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return p, fmt.Errorf("body: %w", err)
	}
	p.Add("request", req.Method+" "+req.URL.Scheme+"://"+req.URL.Host)
	p.AddSecret("url", req.URL.String())
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		add := p.Add
		if _, configured := f.header[name]; configured || strings.EqualFold(name, "webhook-signature") {
			add = p.AddSecret
		}
		add("header "+name, strings.Join(req.Header[name], ", "))
	}
	p.Add("body", string(body))
	p.Unknown = []string{"no request is sent, so the answer is not known"}
	return p, nil
}
