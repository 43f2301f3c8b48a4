package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hookline/hookline/pkg/text"
)

// HTTP sends text messages by any service with an HTTP API.
type HTTP struct {
	// URL is the address that each message is posted to.
	URL string `yaml:"url"`
	// Headers are sent with each message; the Content-Type is application/json unless they have another.
	Headers map[string]string `yaml:"headers"`
	// Body is a template over .to, .text and .key; {{json .text}} writes a value as JSON does, {{urlquery .text}} as a form does. Default:
	// {"to":{{json .to}},"text":{{json .text}}}.
	Body string `yaml:"body"`
}

// DefaultBody is the default of HTTP.Body.
const DefaultBody = `{"to":{{json .to}},"text":{{json .text}}}`

type httpSMS struct {
	url    string
	header http.Header
	body   text.Template
	client *http.Client
}

func (h HTTP) sender() (Sender, error) {
	body, err := text.New("sms.http.body", cmp.Or(h.Body, DefaultBody))
	if h.URL == "" {
		err = errors.Join(err, errors.New("sms.http.url: is required"))
	} else {
		err = errors.Join(err, checkURL("sms.http.url", h.URL))
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range h.Headers {
		header.Set(name, value)
	}
	return httpSMS{h.URL, header, body, newClient()}, err
}

// Send posts the body. Idempotency-Key (an Internet draft that several services follow) is the same for the same message.
func (h httpSMS) Send(ctx context.Context, m Message) error {
	body, err := h.body.Fill(map[string]any{"to": m.To, "text": m.Text, "key": m.Key})
	if err != nil {
		return fmt.Errorf("sms.http.body: %w", err)
	}
	header := h.header.Clone()
	header.Set("Idempotency-Key", m.Key)
	return post(ctx, h.client, h.url, header, body)
}
