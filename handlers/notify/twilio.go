package notify

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookline/hookline/pkg/setting"
)

// Twilio sends text messages by Twilio's Programmable Messaging (twilio.com/docs/messaging/api/message-resource).
type Twilio struct {
	// Account is the account's SID, AC...
	Account string `yaml:"account" schema:"required"`
	// User is the SID of an API key, SK... Default: the account, with its auth token.
	User string `yaml:"user"`
	// Token is the auth token, or the API key's secret.
	Token setting.Secret `yaml:"token"`
	// From is a number of yours in the form +15551234567, a sender name, or the SID of a messaging service, MG...
	From string `yaml:"from" schema:"required"`
	// URL is the service's address.
	URL string `yaml:"url" schema:"default=https://api.twilio.com"`
}

type twilio struct {
	Twilio
	client *http.Client
}

func (t Twilio) sender() (Sender, error) {
	t.URL, t.User = strings.TrimRight(cmp.Or(t.URL, "https://api.twilio.com"), "/"), cmp.Or(t.User, t.Account)
	errs := []error{checkURL("sms.twilio.url", t.URL)}
	if t.Account == "" || t.Token == "" || t.From == "" {
		errs = append(errs, errors.New("sms.twilio: account, token and from are required"))
	}
	return twilio{t, newClient()}, errors.Join(errs...)
}

// Send posts a form. Twilio answers 201 when it has queued the message.
func (t twilio) Send(ctx context.Context, m Message) error {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if strings.HasPrefix(t.From, "MG") && len(t.From) == 34 {
		form.Set("MessagingServiceSid", t.From)
	} else {
		form.Set("From", t.From)
	}
	header := http.Header{
		"Content-Type":  {formType},
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(t.User+":"+string(t.Token)))},
	}
	return post(ctx, t.client, t.URL+"/2010-04-01/Accounts/"+url.PathEscape(t.Account)+"/Messages.json", header, form.Encode())
}

const formType = "application/x-www-form-urlencoded"
